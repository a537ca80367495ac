package fakes

import (
	"context"
	"fmt"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// unplanned is what a call panics with that this fake has no answer to. An error
// could be taken for an answer of containerd, and swallowed.
func unplanned(call, object string) string {
	return fmt.Sprintf("fakes: unplanned call %s(%q): the fake containerd does not implement it", call, object)
}

// unplannedTasks are the calls of the task service without an answer.
type unplannedTasks struct{}

func (unplannedTasks) DeleteProcess(_ context.Context, r *tasksapi.DeleteProcessRequest, _ ...grpc.CallOption) (*tasksapi.DeleteResponse, error) {
	panic(unplanned("tasks.DeleteProcess", r.ContainerID))
}

func (unplannedTasks) Exec(_ context.Context, r *tasksapi.ExecProcessRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	panic(unplanned("tasks.Exec", r.ContainerID))
}

func (unplannedTasks) ResizePty(_ context.Context, r *tasksapi.ResizePtyRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	panic(unplanned("tasks.ResizePty", r.ContainerID))
}

func (unplannedTasks) Pause(_ context.Context, r *tasksapi.PauseTaskRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	panic(unplanned("tasks.Pause", r.ContainerID))
}

func (unplannedTasks) Resume(_ context.Context, r *tasksapi.ResumeTaskRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	panic(unplanned("tasks.Resume", r.ContainerID))
}

func (unplannedTasks) Checkpoint(_ context.Context, r *tasksapi.CheckpointTaskRequest, _ ...grpc.CallOption) (*tasksapi.CheckpointTaskResponse, error) {
	panic(unplanned("tasks.Checkpoint", r.ContainerID))
}

// unplannedNamespaces are the calls of the namespace service without an answer.
type unplannedNamespaces struct{}

func (unplannedNamespaces) Create(_ context.Context, namespace string, _ map[string]string) error {
	panic(unplanned("namespaces.Create", namespace))
}

func (unplannedNamespaces) SetLabel(_ context.Context, namespace, _, _ string) error {
	panic(unplanned("namespaces.SetLabel", namespace))
}

func (unplannedNamespaces) List(context.Context) ([]string, error) {
	panic(unplanned("namespaces.List", ""))
}

func (unplannedNamespaces) Delete(_ context.Context, namespace string, _ ...namespaces.DeleteOpts) error {
	panic(unplanned("namespaces.Delete", namespace))
}
