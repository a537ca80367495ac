package simshim

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	cgroup1 "github.com/containerd/cgroups/v3/cgroup1/stats"
	eventsapi "github.com/containerd/containerd/api/events"
	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/typeurl/v2"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Service is the task service of one shim. It is safe for concurrent use. Errors
// are gRPC statuses of the classes that runc's shim answers with, unless an
// annotation says otherwise.
type Service struct {
	events  *queue
	pending sync.WaitGroup // events that come later

	stop func() // called by Shutdown, without the lock, if there is no container

	mu       sync.Mutex
	tasks    map[string]*task
	creating int    // calls of Create under way
	last     uint32 // process id that was given out
}

var _ taskapi.TTRPCTaskService = (*Service)(nil)

// firstPid is above the largest process id of Linux, 4194304, so that nobody
// takes a simulated process for one of the machine.
const firstPid = 1 << 23

// NewService returns a service whose events, of a containerd namespace, go to p.
// The ids of its processes are different from those of a service that another
// process of this machine makes, for the first 128 of them. The caller ends it
// with Close.
func NewService(namespace string, p Publisher) *Service {
	return &Service{
		events: newQueue(namespace, p),
		tasks:  map[string]*task{},
		last:   firstPid + uint32(os.Getpid())<<7,
		stop:   func() {},
	}
}

// Close returns when all events were sent, also the delayed ones. Processes that
// have not ended do not end any more.
func (s *Service) Close() {
	s.mu.Lock()
	for _, t := range s.tasks {
		for _, p := range t.all() {
			p.end()
		}
	}
	s.mu.Unlock()
	s.pending.Wait()
	s.events.end()
}

// Len returns how many containers there are or are being made.
func (s *Service) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tasks) + s.creating
}

func (t *task) all() []*process {
	list := []*process{t.first}
	for _, p := range t.execs {
		list = append(list, p)
	}
	return list
}

// find returns a task and one of its processes. The lock is held.
func (s *Service) find(id, exec string) (*task, *process, error) {
	t := s.tasks[id]
	if t == nil {
		return nil, nil, errgrpc.ToGRPCf(errdefs.ErrNotFound, "container not created")
	}
	p := t.first
	if exec != "" {
		if p = t.execs[exec]; p == nil {
			return nil, nil, errgrpc.ToGRPCf(errdefs.ErrNotFound, "process does not exist %s", exec)
		}
	}
	return t, p, nil
}

// process is find without the lock.
func (s *Service) process(id, exec string) (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, p, err := s.find(id, exec)
	return p, err
}

// with finds a process, does what its annotations say about the call and then,
// with the lock held, f.
func (s *Service) with(ctx context.Context, id, exec string, call func(*Behavior) *Call, f func(*task, *process) error) error {
	p, err := s.process(id, exec)
	if err != nil {
		return err
	}
	c := call(&p.behavior)
	if err := sleep(ctx, c.Delay); err != nil {
		return err
	}
	if err = s.fails(p, c); err != nil && !c.Late {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, p, gone := s.find(id, exec)
	if gone != nil {
		return gone
	}
	if failed := f(t, p); failed != nil {
		return errgrpc.ToGRPC(failed)
	}
	return err
}

func (s *Service) newPid() uint32 {
	s.last++
	return s.last
}

// Create makes a container of the spec in the bundle.
func (s *Service) Create(ctx context.Context, r *taskapi.CreateTaskRequest) (*taskapi.CreateTaskResponse, error) {
	spec, err := readSpec(r.Bundle)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	var args []string
	if spec.Process != nil {
		args = spec.Process.Args
	}
	b, err := Parse(spec.Annotations, args)
	if err != nil {
		return nil, errgrpc.ToGRPC(fmt.Errorf("%w: %w", err, errdefs.ErrInvalidArgument))
	}
	p := (&process{
		container: r.ID, bundle: r.Bundle, behavior: b,
		stdin: r.Stdin, stdout: r.Stdout, stderr: r.Stderr, terminal: r.Terminal,
	}).make()
	s.mu.Lock()
	s.creating++
	s.mu.Unlock()
	canceled := sleep(ctx, b.Create.Delay)
	err = s.fails(p, &p.behavior.Create)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.creating--
	switch {
	case canceled != nil:
		return nil, canceled
	case err != nil && !b.Create.Late:
		return nil, err
	}
	if s.tasks[r.ID] != nil {
		return nil, errgrpc.ToGRPCf(errdefs.ErrAlreadyExists, "task %s", r.ID)
	}
	p.pid = s.newPid()
	s.tasks[r.ID] = &task{first: p, execs: map[string]*process{}}
	s.events.put(item{event: &eventsapi.TaskCreate{
		ContainerID: r.ID, Bundle: r.Bundle, Rootfs: r.Rootfs, Pid: p.pid, Checkpoint: r.Checkpoint,
		IO: &eventsapi.TaskIO{Stdin: r.Stdin, Stdout: r.Stdout, Stderr: r.Stderr, Terminal: r.Terminal},
	}})
	return &taskapi.CreateTaskResponse{Pid: p.pid}, err
}

// readSpec returns the spec in a bundle.
func readSpec(bundle string) (*runtimespec.Spec, error) {
	data, err := os.ReadFile(filepath.Join(bundle, "config.json"))
	if err != nil {
		return nil, err
	}
	spec := &runtimespec.Spec{}
	if err := json.Unmarshal(data, spec); err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	return spec, nil
}

// Start makes a created process run.
func (s *Service) Start(ctx context.Context, r *taskapi.StartRequest) (*taskapi.StartResponse, error) {
	resp := &taskapi.StartResponse{}
	err := s.with(ctx, r.ID, r.ExecID, func(b *Behavior) *Call { return &b.Start }, func(_ *task, p *process) error {
		if p.status != tasktypes.Status_CREATED {
			return errState("start a", p.status)
		}
		s.run(p)
		resp.Pid = p.pid
		return nil
	})
	return resp, err
}

// Delete removes a process that does not run, and with the first one the container.
func (s *Service) Delete(ctx context.Context, r *taskapi.DeleteRequest) (*taskapi.DeleteResponse, error) {
	resp := &taskapi.DeleteResponse{}
	err := s.with(ctx, r.ID, r.ExecID, func(b *Behavior) *Call { return &b.Delete }, func(t *task, p *process) error {
		if p.status != tasktypes.Status_STOPPED && p.status != tasktypes.Status_CREATED {
			return errState("delete a", p.status)
		}
		resp.Pid, resp.ExitStatus, resp.ExitedAt = p.pid, p.code, p.exited()
		p.end()
		if r.ExecID != "" {
			delete(t.execs, r.ExecID)
			return nil
		}
		delete(s.tasks, r.ID)
		s.events.put(item{event: &eventsapi.TaskDelete{
			ContainerID: r.ID, Pid: p.pid, ExitStatus: p.code, ExitedAt: p.exited(),
		}})
		return nil
	})
	return resp, err
}

// Kill sends a signal to a process that has not ended.
func (s *Service) Kill(ctx context.Context, r *taskapi.KillRequest) (*emptypb.Empty, error) {
	err := s.with(ctx, r.ID, r.ExecID, func(b *Behavior) *Call { return &b.Kill }, func(t *task, p *process) error {
		if r.All {
			for _, each := range t.all() {
				s.signal(each, syscall.Signal(r.Signal))
			}
			return nil
		}
		if p.status == tasktypes.Status_STOPPED {
			return fmt.Errorf("process already finished: %w", errdefs.ErrNotFound)
		}
		s.signal(p, syscall.Signal(r.Signal))
		return nil
	})
	return &emptypb.Empty{}, err
}

// State returns what is known of a process.
func (s *Service) State(ctx context.Context, r *taskapi.StateRequest) (*taskapi.StateResponse, error) {
	var resp *taskapi.StateResponse
	err := s.with(ctx, r.ID, r.ExecID, func(b *Behavior) *Call { return &b.State }, func(_ *task, p *process) error {
		resp = p.state()
		return nil
	})
	return resp, err
}

// Wait returns how a process ended, when it has.
func (s *Service) Wait(ctx context.Context, r *taskapi.WaitRequest) (*taskapi.WaitResponse, error) {
	p, err := s.process(r.ID, r.ExecID)
	if err != nil {
		return nil, err
	}
	if err := s.fails(p, &p.behavior.Wait); err != nil {
		return nil, err
	}
	select {
	case <-p.known:
	case <-ctx.Done():
		return nil, errgrpc.ToGRPC(ctx.Err())
	}
	if err := sleep(ctx, p.behavior.Wait.Delay); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &taskapi.WaitResponse{ExitStatus: p.code, ExitedAt: p.exited()}, nil
}

// Exec makes another process in a container. It ends as its arguments say, at once
// with code 0 if they are not those of initproc; annotations do not concern it.
func (s *Service) Exec(_ context.Context, r *taskapi.ExecProcessRequest) (*emptypb.Empty, error) {
	var spec runtimespec.Process
	if err := json.Unmarshal(r.GetSpec().GetValue(), &spec); err != nil {
		return nil, errgrpc.ToGRPCf(errdefs.ErrInvalidArgument, "spec of process %s: %v", r.ExecID, err)
	}
	b, err := execBehavior(spec.Args)
	if err != nil {
		return nil, errgrpc.ToGRPC(fmt.Errorf("%w: %w", err, errdefs.ErrInvalidArgument))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, first, err := s.find(r.ID, "")
	if err != nil {
		return nil, err
	}
	if t.execs[r.ExecID] != nil {
		return nil, errgrpc.ToGRPCf(errdefs.ErrAlreadyExists, "id %s", r.ExecID)
	}
	if first.status == tasktypes.Status_STOPPED || first.status == tasktypes.Status_PAUSED {
		return nil, errgrpc.ToGRPC(fmt.Errorf("cannot exec in a %s state", statusName(first.status)))
	}
	t.execs[r.ExecID] = (&process{
		container: r.ID, exec: r.ExecID, bundle: first.bundle, pid: s.newPid(), behavior: b,
		stdin: r.Stdin, stdout: r.Stdout, stderr: r.Stderr, terminal: r.Terminal,
	}).make()
	s.events.put(item{event: &eventsapi.TaskExecAdded{ContainerID: r.ID, ExecID: r.ExecID}})
	return &emptypb.Empty{}, nil
}

// execBehavior returns what an executed process does.
func execBehavior(args []string) (Behavior, error) {
	b, err := Parse(nil, args)
	if b.Quit == 0 { // not one of initproc
		b.ExitAfter = 0
	}
	return b, err
}

// Pids returns the processes of a container that have not been deleted. The first
// one is listed also after its end: a containerd 2.4 that restarts removes a
// container without any.
func (s *Service) Pids(_ context.Context, r *taskapi.PidsRequest) (*taskapi.PidsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, _, err := s.find(r.ID, "")
	if err != nil {
		return nil, err
	}
	resp := &taskapi.PidsResponse{}
	for _, p := range t.all() {
		resp.Processes = append(resp.Processes, &tasktypes.ProcessInfo{Pid: p.pid})
	}
	return resp, nil
}

// Pause suspends a running container. Its processes end all the same.
func (s *Service) Pause(_ context.Context, r *taskapi.PauseRequest) (*emptypb.Empty, error) {
	return s.change(r.ID, "pause", tasktypes.Status_RUNNING, tasktypes.Status_PAUSED, &eventsapi.TaskPaused{ContainerID: r.ID})
}

// Resume is the inverse of Pause.
func (s *Service) Resume(_ context.Context, r *taskapi.ResumeRequest) (*emptypb.Empty, error) {
	return s.change(r.ID, "resume", tasktypes.Status_PAUSED, tasktypes.Status_RUNNING, &eventsapi.TaskResumed{ContainerID: r.ID})
}

func (s *Service) change(id, verb string, from, to tasktypes.Status, event any) (*emptypb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, p, err := s.find(id, "")
	if err != nil {
		return nil, err
	}
	if p.status != from {
		return nil, errgrpc.ToGRPC(fmt.Errorf("cannot %s task in %s state", verb, statusName(p.status)))
	}
	p.status = to
	s.events.put(item{event: event})
	return &emptypb.Empty{}, nil
}

// Stats returns metrics of cgroup 1 in which nothing was counted.
func (s *Service) Stats(_ context.Context, r *taskapi.StatsRequest) (*taskapi.StatsResponse, error) {
	if _, err := s.process(r.ID, ""); err != nil {
		return nil, err
	}
	stats, err := typeurl.MarshalAny(&cgroup1.Metrics{CPU: &cgroup1.CPUStat{Usage: &cgroup1.CPUUsage{}}})
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &taskapi.StatsResponse{Stats: &anypb.Any{TypeUrl: stats.GetTypeUrl(), Value: stats.GetValue()}}, nil
}

// Connect returns the process ids of the shim and of a container's first process.
func (s *Service) Connect(_ context.Context, r *taskapi.ConnectRequest) (*taskapi.ConnectResponse, error) {
	resp := &taskapi.ConnectResponse{ShimPid: uint32(os.Getpid())}
	if p, err := s.process(r.ID, ""); err == nil {
		resp.TaskPid = p.pid
	}
	return resp, nil
}

// Shutdown ends a shim of one container, unless that is still there. What it
// answers is sent, and so are all events.
func (s *Service) Shutdown(context.Context, *taskapi.ShutdownRequest) (*emptypb.Empty, error) {
	if s.Len() == 0 {
		s.stop()
	}
	return &emptypb.Empty{}, nil
}

// Update changes nothing: there is nothing that could be limited.
func (s *Service) Update(_ context.Context, r *taskapi.UpdateTaskRequest) (*emptypb.Empty, error) {
	_, err := s.process(r.ID, "")
	return &emptypb.Empty{}, err
}

// ResizePty and CloseIO have nothing to do, since nothing reads the streams.
func (s *Service) ResizePty(_ context.Context, r *taskapi.ResizePtyRequest) (*emptypb.Empty, error) {
	_, err := s.process(r.ID, r.ExecID)
	return &emptypb.Empty{}, err
}

// CloseIO does nothing, see ResizePty.
func (s *Service) CloseIO(_ context.Context, r *taskapi.CloseIORequest) (*emptypb.Empty, error) {
	_, err := s.process(r.ID, r.ExecID)
	return &emptypb.Empty{}, err
}

// Checkpoint is not implemented.
func (s *Service) Checkpoint(context.Context, *taskapi.CheckpointTaskRequest) (*emptypb.Empty, error) {
	return nil, errgrpc.ToGRPC(errdefs.ErrNotImplemented)
}
