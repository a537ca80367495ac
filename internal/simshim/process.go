package simshim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// process is the first process of a container, or one executed in it. Its fields
// but for the channel belong to the lock of the service.
type process struct {
	container, exec string // exec is empty for the first process
	bundle          string
	pid             uint32
	behavior        Behavior
	failed          map[*Call]int // how many calls

	stdin, stdout, stderr string
	terminal              bool

	status   tasktypes.Status
	code     uint32
	exitedAt time.Time
	known    chan struct{} // closed when Wait may answer
	tell     func()        // closes it, once
	timer    *time.Timer   // of the exit by itself; nil: none
}

// make sets what a created process has. The lock is not needed.
func (p *process) make() *process {
	p.failed = map[*Call]int{}
	p.status = tasktypes.Status_CREATED
	p.known = make(chan struct{})
	p.tell = sync.OnceFunc(func() { close(p.known) })
	return p
}

// task is a container with what runs in it.
type task struct {
	first *process
	execs map[string]*process
}

// fails returns how a call of a process fails, if it does.
func (s *Service) fails(p *process, call *Call) error {
	if call.Err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if call.Times > 0 && p.failed[call] >= call.Times {
		return nil
	}
	p.failed[call]++
	return errgrpc.ToGRPC(fmt.Errorf("%s: %w", call.Text, call.Err))
}

func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errgrpc.ToGRPC(ctx.Err())
	}
}

// run makes a created process run. The lock is held.
func (s *Service) run(p *process) {
	p.status = tasktypes.Status_RUNNING
	if p.exec == "" {
		s.events.put(item{event: &eventsapi.TaskStart{ContainerID: p.container, Pid: p.pid}})
	} else {
		s.events.put(item{event: &eventsapi.TaskExecStarted{ContainerID: p.container, ExecID: p.exec, Pid: p.pid}})
	}
	switch after := p.behavior.ExitAfter; after {
	case 0:
		s.exit(p, p.behavior.ExitCode)
	case Never:
	default:
		p.timer = s.later(after, func() { s.exit(p, p.behavior.ExitCode) })
	}
}

// signal does what a signal does to a process that has not ended. The lock is held.
func (s *Service) signal(p *process, sig syscall.Signal) {
	code, ends := p.behavior.ends(sig)
	switch {
	case !ends:
	case p.behavior.KillAfter == 0:
		s.exit(p, code)
	default:
		s.later(p.behavior.KillAfter, func() { s.exit(p, code) })
	}
}

// later calls f after d with the lock held.
func (s *Service) later(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	})
}

// end makes a process that is removed neither run nor be waited for. The lock is
// held.
func (p *process) end() {
	p.status = tasktypes.Status_STOPPED
	if p.timer != nil {
		p.timer.Stop()
	}
	p.tell()
}

// exit ends a process, unless it has ended or was removed. The lock is held.
func (s *Service) exit(p *process, code uint32) {
	if p.status == tasktypes.Status_STOPPED {
		return
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.status, p.code, p.exitedAt = tasktypes.Status_STOPPED, code, time.Now()
	closeStreams(p.stdout, p.stderr)
	b := p.behavior
	e := &eventsapi.TaskExit{
		ContainerID: p.container, ID: p.container, Pid: p.pid, ExitStatus: code, ExitedAt: timestamppb.New(p.exitedAt),
	}
	if p.exec != "" {
		e.ID = p.exec
	}
	if b.EventCode != nil {
		e.ExitStatus = *b.EventCode
	}
	tell := p.tell
	if b.WaitOrder == BeforeEvent || b.EventCopies == 0 {
		tell()
		tell = nil
	}
	send := func() {
		for i := range b.EventCopies {
			next := item{event: e}
			if i == b.EventCopies-1 {
				next.after = tell
			}
			s.events.put(next)
		}
	}
	if b.EventDelay == 0 {
		send()
		return
	}
	s.pending.Add(1)
	time.AfterFunc(b.EventDelay, func() {
		defer s.pending.Done()
		send()
	})
}

// closeStreams gives the readers of streams that nobody else has open their end.
func closeStreams(paths ...string) {
	for _, path := range paths {
		if path == "" {
			continue
		}
		// Without a reader there is nobody to tell.
		if fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err == nil {
			_ = unix.Close(fd)
		}
	}
}

// state is what State answers. The lock is held.
func (p *process) state() *taskapi.StateResponse {
	return &taskapi.StateResponse{
		ID: p.container, ExecID: p.exec, Bundle: p.bundle, Pid: p.pid, Status: p.status,
		Stdin: p.stdin, Stdout: p.stdout, Stderr: p.stderr, Terminal: p.terminal,
		ExitStatus: p.code, ExitedAt: p.exited(),
	}
}

// exited is nil while the process has not ended. The lock is held.
func (p *process) exited() *timestamppb.Timestamp {
	if p.exitedAt.IsZero() {
		return nil
	}
	return timestamppb.New(p.exitedAt)
}

// statusName is what runc calls a status.
func statusName(status tasktypes.Status) string {
	switch status {
	case tasktypes.Status_CREATED:
		return "created"
	case tasktypes.Status_RUNNING:
		return "running"
	case tasktypes.Status_PAUSED:
		return "paused"
	default:
		return "stopped"
	}
}

// errState is the error of a call that the state does not allow: of the class
// Unknown, as runc's shim has it.
func errState(verb string, status tasktypes.Status) error {
	return errors.New("cannot " + verb + " " + statusName(status) + " process")
}
