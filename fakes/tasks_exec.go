package fakes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	eventsapi "github.com/containerd/containerd/api/events"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// Exec reserves the id of an exec process, which is then to be started.
func (s taskService) Exec(ctx context.Context, r *tasksapi.ExecProcessRequest, _ ...grpc.CallOption) (*emptypb.Empty, error) {
	return onTask(ctx, s, "tasks.Exec", r.ContainerID, func(t *task) (*emptypb.Empty, error) {
		switch {
		case r.ExecID == "":
			return nil, status.Error(codes.InvalidArgument, "exec id cannot be empty")
		case t.execed(r.ExecID) != nil:
			return nil, fmt.Errorf("id %s: %w", r.ExecID, errdefs.ErrAlreadyExists)
		case t.status == tasktypes.Status_PAUSED || t.status == tasktypes.Status_STOPPED:
			return nil, fmt.Errorf("cannot exec in a %s state", stateName(&t.process))
		}
		p := &process{
			task: t, exec: r.ExecID, status: tasktypes.Status_CREATED, done: make(chan struct{}),
			program: execProgram(r),
			stdin:   r.Stdin, stdout: r.Stdout, stderr: r.Stderr, terminal: r.Terminal,
		}
		t.execs = append(t.execs, p)
		sim.Logf("process %s of %s added", p.exec, t.id)
		s.c.publish(t.namespace, &eventsapi.TaskExecAdded{ContainerID: t.id, ExecID: p.exec})
		return &emptypb.Empty{}, nil
	})
}

func execProgram(r *tasksapi.ExecProcessRequest) program {
	var spec runtimespec.Process
	if r.Spec == nil || json.Unmarshal(r.Spec.GetValue(), &spec) != nil {
		return program{exitAfter: initproc.Forever}
	}
	return programIn(&spec)
}

// startExec starts an exec process; the lock is held.
func (s taskService) startExec(p *process, returned <-chan struct{}) (*tasksapi.StartResponse, error) {
	t := p.task
	switch {
	case t.status == tasktypes.Status_STOPPED && s.c.opts.Profile.RefusesLateExec:
		return nil, fmt.Errorf("container %s init process is not running: %w", t.id, errdefs.ErrFailedPrecondition)
	case p.status != tasktypes.Status_CREATED:
		return nil, fmt.Errorf("cannot start a %s process", stateName(p))
	case t.ended:
		return nil, s.failExec(p, "cannot exec in a stopped container")
	case t.paused:
		return nil, s.failExec(p, "cannot exec in a paused container (use --ignore-paused to override)")
	case p.program.missing:
		return nil, s.failExec(p, fmt.Sprintf("unable to start container process: exec: %q: stat %s: no such file or directory", MissingBinary, MissingBinary))
	}
	p.pid = s.c.pids.next()
	p.status, p.started = tasktypes.Status_RUNNING, true
	sim.Logf("process %s of %s starts", p.exec, t.id)
	started := s.c.truth(t, model.ExecStarted)
	started.Pid, started.Exec = p.pid, p.exec
	s.c.opts.record(started)
	s.c.publish(t.namespace, &eventsapi.TaskExecStarted{ContainerID: t.id, ExecID: p.exec, Pid: p.pid})
	s.c.runs(p, returned)
	return &tasksapi.StartResponse{Pid: p.pid}, nil
}

// failExec is a Start that runc refuses. The process stays created, and its
// waiters get code 0 without an error, as measured. The shim of runc tells them
// by closing a channel, so that a second time crashes it: start in
// cmd/containerd-shim-runc-v2/process/exec.go. The lock is held.
func (s taskService) failExec(p *process, why string) error {
	if p.failed {
		s.c.killShim(p.task)
		return failpoint.ErrClosed
	}
	p.failed = true
	p.release()
	return errors.New("OCI runtime exec failed: exec failed: " + why)
}

// DeleteProcess forgets an exec process that does not run.
func (s taskService) DeleteProcess(ctx context.Context, r *tasksapi.DeleteProcessRequest, _ ...grpc.CallOption) (*tasksapi.DeleteResponse, error) {
	return onProcess(ctx, s, "tasks.DeleteProcess", r.ContainerID, r.ExecID, func(p *process) (*tasksapi.DeleteResponse, error) {
		if p.started && !p.visible {
			return nil, errors.New("cannot delete a running process")
		}
		t := p.task
		t.execs = slices.DeleteFunc(t.execs, func(e *process) bool { return e == p })
		p.release()
		return &tasksapi.DeleteResponse{
			ID: p.exec, Pid: p.pid, ExitStatus: p.code, ExitedAt: timestamppb.New(p.exitedAt),
		}, nil
	})
}

// execed returns the exec process of that id, or nil.
func (t *task) execed(id string) *process {
	for _, p := range t.execs {
		if p.exec == id {
			return p
		}
	}
	return nil
}

// Execs returns the ids of the exec processes in container id, running or not.
func (c *Containerd) Execs(id string) []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t := c.tasks[key{Namespace, id}]
	if t == nil {
		return nil
	}
	ids := make([]string, len(t.execs))
	for i, p := range t.execs {
		ids[i] = p.exec
	}
	return ids
}

// ExitExec ends the exec process of that id in container id with code, as if it
// did so itself. It reports whether there was a running one.
func (c *Containerd) ExitExec(id, exec string, code uint32) bool {
	point(failpoint.Exit, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tasks[key{Namespace, id}]
	if t == nil {
		return false
	}
	p := t.execed(exec)
	return p != nil && p.started && c.exit(p, code)
}
