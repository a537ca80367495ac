package socket

import (
	"context"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"google.golang.org/protobuf/types/known/emptypb"
)

// tasks passes calls on as they are: the client's side of this service is the
// gRPC one.
type tasks struct {
	tasksapi.UnimplementedTasksServer
	client tasksapi.TasksClient
}

func (t tasks) Create(ctx context.Context, r *tasksapi.CreateTaskRequest) (*tasksapi.CreateTaskResponse, error) {
	return t.client.Create(ctx, r)
}

func (t tasks) Start(ctx context.Context, r *tasksapi.StartRequest) (*tasksapi.StartResponse, error) {
	return t.client.Start(ctx, r)
}

func (t tasks) Delete(ctx context.Context, r *tasksapi.DeleteTaskRequest) (*tasksapi.DeleteResponse, error) {
	return t.client.Delete(ctx, r)
}

func (t tasks) DeleteProcess(ctx context.Context, r *tasksapi.DeleteProcessRequest) (*tasksapi.DeleteResponse, error) {
	return t.client.DeleteProcess(ctx, r)
}

func (t tasks) Get(ctx context.Context, r *tasksapi.GetRequest) (*tasksapi.GetResponse, error) {
	return t.client.Get(ctx, r)
}

func (t tasks) List(ctx context.Context, r *tasksapi.ListTasksRequest) (*tasksapi.ListTasksResponse, error) {
	return t.client.List(ctx, r)
}

func (t tasks) Kill(ctx context.Context, r *tasksapi.KillRequest) (*emptypb.Empty, error) {
	return t.client.Kill(ctx, r)
}

func (t tasks) Exec(ctx context.Context, r *tasksapi.ExecProcessRequest) (*emptypb.Empty, error) {
	return t.client.Exec(ctx, r)
}

func (t tasks) ResizePty(ctx context.Context, r *tasksapi.ResizePtyRequest) (*emptypb.Empty, error) {
	return t.client.ResizePty(ctx, r)
}

func (t tasks) CloseIO(ctx context.Context, r *tasksapi.CloseIORequest) (*emptypb.Empty, error) {
	return t.client.CloseIO(ctx, r)
}

func (t tasks) Pause(ctx context.Context, r *tasksapi.PauseTaskRequest) (*emptypb.Empty, error) {
	return t.client.Pause(ctx, r)
}

func (t tasks) Resume(ctx context.Context, r *tasksapi.ResumeTaskRequest) (*emptypb.Empty, error) {
	return t.client.Resume(ctx, r)
}

func (t tasks) ListPids(ctx context.Context, r *tasksapi.ListPidsRequest) (*tasksapi.ListPidsResponse, error) {
	return t.client.ListPids(ctx, r)
}

func (t tasks) Checkpoint(ctx context.Context, r *tasksapi.CheckpointTaskRequest) (*tasksapi.CheckpointTaskResponse, error) {
	return t.client.Checkpoint(ctx, r)
}

func (t tasks) Update(ctx context.Context, r *tasksapi.UpdateTaskRequest) (*emptypb.Empty, error) {
	return t.client.Update(ctx, r)
}

func (t tasks) Metrics(ctx context.Context, r *tasksapi.MetricsRequest) (*tasksapi.MetricsResponse, error) {
	return t.client.Metrics(ctx, r)
}

func (t tasks) Wait(ctx context.Context, r *tasksapi.WaitRequest) (*tasksapi.WaitResponse, error) {
	return t.client.Wait(ctx, r)
}
