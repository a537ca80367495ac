package fakes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/startrace/startrace/fakes/failpoint"
)

// Pause freezes a running task.
func (s taskService) Pause(ctx context.Context, r *tasksapi.PauseTaskRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	return onTask(ctx, s, "tasks.Pause", r.ContainerID, func(t *task) (*emptypb.Empty, error) {
		switch t.status {
		case tasktypes.Status_RUNNING:
			t.status, t.paused = tasktypes.Status_PAUSED, true
			s.c.publish(t.namespace, &eventsapi.TaskPaused{ContainerID: t.id})
			return &emptypb.Empty{}, nil
		case tasktypes.Status_CREATED:
			return nil, errors.New("cannot pause task in created state")
		}
		return nil, fmt.Errorf("cannot pause a %s container", stateName(&t.process))
	})
}

// Resume thaws a paused task. Signals that reached it meanwhile take effect.
func (s taskService) Resume(ctx context.Context, r *tasksapi.ResumeTaskRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	return onTask(ctx, s, "tasks.Resume", r.ContainerID, func(t *task) (*emptypb.Empty, error) {
		switch t.status {
		case tasktypes.Status_PAUSED:
			t.status, t.paused = tasktypes.Status_RUNNING, false
			for _, die := range t.pending {
				die()
			}
			t.pending = nil
			s.c.publish(t.namespace, &eventsapi.TaskResumed{ContainerID: t.id})
			return &emptypb.Empty{}, nil
		case tasktypes.Status_CREATED:
			return nil, errors.New("cannot resume task in created state")
		case tasktypes.Status_RUNNING:
			return nil, errors.New("cannot resume a running process")
		}
		return nil, fmt.Errorf("cannot resume a %s container", stateName(&t.process))
	})
}

// Checkpoint is refused: the machine has no criu.
func (s taskService) Checkpoint(ctx context.Context, r *tasksapi.CheckpointTaskRequest, _ ...grpc.CallOption) (*tasksapi.CheckpointTaskResponse, error) {
	return onTask(ctx, s, "tasks.Checkpoint", r.ContainerID, func(t *task) (*tasksapi.CheckpointTaskResponse, error) {
		switch t.status {
		case tasktypes.Status_CREATED:
			return nil, errors.New("cannot checkpoint a task in created state")
		case tasktypes.Status_STOPPED:
			return nil, errors.New("cannot checkpoint a stopped container")
		}
		return nil, errors.New(`/usr/sbin/runc did not terminate successfully: exit status 1: CRIU version check failed: exec: "criu": executable file not found in $PATH path= /run/containerd/criu-dump.log`)
	})
}

// ResizePty accepts: a fake process does not look at its terminal.
func (s taskService) ResizePty(ctx context.Context, r *tasksapi.ResizePtyRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	return onProcess(ctx, s, "tasks.ResizePty", r.ContainerID, r.ExecID, func(*process) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, nil
	})
}

// CloseIO accepts: a fake process has no input.
func (s taskService) CloseIO(ctx context.Context, r *tasksapi.CloseIORequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	return onProcess(ctx, s, "tasks.CloseIO", r.ContainerID, r.ExecID, func(*process) (*emptypb.Empty, error) {
		return &emptypb.Empty{}, nil
	})
}

// Update accepts new resources, of which only Resources tells, unless the task is
// stopped. Without resources it crashes the shim, as measured: that of
// runc looks into them unasked.
func (s taskService) Update(ctx context.Context, r *tasksapi.UpdateTaskRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	return onTask(ctx, s, "tasks.Update", r.ContainerID, func(t *task) (*emptypb.Empty, error) {
		if t.status == tasktypes.Status_STOPPED {
			return nil, errors.New("cannot update a stopped container")
		}
		if r.Resources == nil {
			s.c.killShim(t)
			return nil, failpoint.ErrClosed
		}
		t.updates = append(t.updates, r.Resources.GetValue())
		return &emptypb.Empty{}, nil
	})
}

// Get returns the state of a task or an exec process. A shim that does not
// answer, which a plan can make it be, is waited for as long as the daemon does;
// what the answer is then is a matter of the profile.
func (s taskService) Get(ctx context.Context, r *tasksapi.GetRequest, _ ...grpc.CallOption) (*tasksapi.GetResponse, error) {
	overdue := s.c.opts.Faults.evaluate(failpoint.State, r.ContainerID) != nil
	return serve(ctx, s.c, "tasks.Get", r.ContainerID, func() (*tasksapi.GetResponse, error) {
		if overdue {
			if err := s.c.run().sleep(ctx, stateTimeout); err != nil {
				return nil, err
			}
			if s.c.opts.Profile.StateDeadline {
				return nil, context.DeadlineExceeded
			}
		}
		s.c.mu.RLock()
		defer s.c.mu.RUnlock()
		p, err := s.find(in(ctx, r.ContainerID), r.ExecID)
		if err != nil {
			return nil, err
		}
		state := p.proto()
		if overdue {
			state.Status, state.Pid = tasktypes.Status_UNKNOWN, 0
		}
		return &tasksapi.GetResponse{Process: state}, nil
	})
}

// stateTimeout is io.containerd.timeout.task.state of plugins/services/tasks/local.go.
const stateTimeout = 2 * time.Second

// stateName is the state as shims print it.
func stateName(p *process) string { return strings.ToLower(p.status.String()) }
