package fakes

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/containerd/v2/core/containers"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// IgnoreTerm is the environment variable that makes a started process ignore
// SIGTERM.
const IgnoreTerm = "IGNORE_TERM"

// MissingBinary is the path of a program that no container has: a task or an
// exec process of it cannot be made.
const MissingBinary = "/missing"

// process is the init process of a task or one that is executed in it.
// Everything but task, id, pid, program and done is guarded by the lock of the
// Containerd.
type process struct {
	task    *task
	exec    string // the id of an exec process; "" for the init process
	pid     uint32 // 0 for an exec process that was not started
	program program
	done    chan struct{} // closed when waiters see the end

	status   tasktypes.Status // what Get shows
	started  bool
	ended    bool // what the kernel knows
	visible  bool // an end that Delete takes for one
	failed   bool // its Start failed, and told the waiters
	released bool // done is closed
	code     uint32
	exitedAt time.Time

	stdin, stdout, stderr string
	terminal              bool
}

// task is a task: its init process, those that were executed in it, and the
// shim that runs them.
type task struct {
	key
	process
	life       int
	execs      []*process // in the order of their Exec
	connection *connection
	shimDead   bool
	deletion   deletion
	deleted    *tasksapi.DeleteResponse // what the Delete that is under way returns
	overtaken  bool                     // by another Delete
	oomKills   uint64                   // processes that were killed for want of memory
	hidden     bool                     // a live process that no daemon knows of any more
	paused     bool                     // a signal but SIGKILL waits for Resume
	pending    []func()                 // what waits for that
	unsent     *eventsapi.TaskExit      // an exit of which no daemon was there to hear
	spec       []byte                   // of the container when it was created
	updates    [][]byte                 // of its resources since then
}

// connection is that of the daemon to a shim.
type connection struct{ closed chan struct{} }

func newConnection() *connection { return &connection{closed: make(chan struct{})} }

// disconnect ends the calls that are on their way; the lock is held.
func (t *task) disconnect() {
	select {
	case <-t.connection.closed:
	default:
		close(t.connection.closed)
	}
}

// live reports whether there is a process, created or started.
func (p *process) live() bool { return !p.ended }

// proto describes the process as Get and List do.
func (p *process) proto() *tasktypes.Process {
	r := &tasktypes.Process{
		ID: p.task.id, Pid: p.pid, Status: p.status,
		Stdin: p.stdin, Stdout: p.stdout, Stderr: p.stderr, Terminal: p.terminal,
	}
	if p.exec != "" {
		r.ID = p.exec
	}
	if p.task.status == tasktypes.Status_PAUSED {
		// So are all processes, whatever they were: Status in process/exec.go.
		r.Status = tasktypes.Status_PAUSED
	}
	if p.status == tasktypes.Status_STOPPED {
		r.ExitStatus, r.ExitedAt = p.code, timestamppb.New(p.exitedAt)
	} else {
		r.ExitedAt = timestamppb.New(time.Time{})
	}
	return r
}

// exit ends the process: state, waiters and the exit event change in one step,
// unless a plan or the profile takes them apart. Processes that are executed in
// a container end before its init process does. It reports false if there is no
// process left. The lock is held.
func (c *Containerd) exit(p *process, code uint32) bool {
	if p.ended {
		return false
	}
	if p.failed {
		// Its waiters were told when its first Start failed. The shim of runc does
		// so again by closing the channel once more, which crashes it.
		c.end(p, code, nil)
		c.killShim(p.task)
		return true
	}
	order, delay := c.order(p)
	if order == nil {
		c.end(p, code, []failpoint.Facet{failpoint.ToStatusCalls, failpoint.ToDelete})
		c.show(p, failpoint.ToSubscribers)
		c.show(p, failpoint.ToWaiters) // from here on nothing of this changes
		return true
	}
	c.end(p, code, nil)
	sim.Go("exit of "+p.task.id, func() {
		if delay > 0 {
			time.Sleep(delay)
		}
		for _, step := range order {
			point(failpoint.Exit+"/"+string(step[0]), p.task.id)
			c.mu.Lock()
			for _, f := range step {
				c.show(p, f)
			}
			c.mu.Unlock()
		}
	})
	return true
}

// end is the end of a process in the kernel. Only those of whom visible tells
// see it; the lock is held.
func (c *Containerd) end(p *process, code uint32, visible []failpoint.Facet) {
	if p.ended {
		return
	}
	if p.exec == "" {
		for _, e := range p.task.execs {
			if e.started {
				c.exit(e, 128+uint32(unix.SIGKILL))
			}
		}
	}
	p.ended, p.code, p.exitedAt = true, code, c.now()
	c.pids.free(p.pid)
	c.endStreams(p)
	for _, f := range visible {
		c.show(p, f)
	}
	if p.exec != "" {
		sim.Logf("process %s of %s exits with %d", p.exec, p.task.id, code)
		return
	}
	c.notify()
	sim.Logf("process %s exits with %d", p.task.id, code)
	e := c.truth(p.task, model.Exited)
	e.Code, e.At = int32(code), p.exitedAt.UnixNano()
	c.opts.record(e)
}

// eventLast is an exit whose event comes in a step of its own.
var eventLast = [][]failpoint.Facet{failpoint.Facets[:3], failpoint.Facets[3:]}

// order returns in which steps, and after which time, the exit of p becomes
// visible; nil if all at once.
func (c *Containerd) order(p *process) ([][]failpoint.Facet, time.Duration) {
	a := c.opts.Faults.evaluate(failpoint.Exit, p.task.id)
	switch {
	case a == nil && c.opts.Profile.LateExitEvent && !c.calm && p.exec == "":
		return eventLast, 0
	case a == nil:
		return nil, 0
	case a.Name == "delay":
		return [][]failpoint.Facet{failpoint.Facets}, a.Duration()
	}
	order, _ := failpoint.ParseOrder(a.Arg) // checked when it was parsed
	if a.Arg == "" {
		order = c.opts.Faults.chosenOrder("order of the exit of " + p.task.id)
	}
	steps := make([][]failpoint.Facet, len(order))
	for i, f := range order {
		steps[i] = []failpoint.Facet{f}
	}
	return steps, 0
}

// show makes one facet of an exit visible; the lock is held. Of a task that was
// deleted meanwhile only waiters and subscribers can still see it.
func (c *Containerd) show(p *process, f failpoint.Facet) {
	switch f {
	case failpoint.ToStatusCalls:
		p.status = tasktypes.Status_STOPPED
	case failpoint.ToWaiters:
		p.release()
	case failpoint.ToDelete:
		p.visible = true
	case failpoint.ToSubscribers:
		c.sendExit(p)
	}
}

// release lets those that wait for p go on; the lock is held.
func (p *process) release() {
	if !p.released {
		p.released = true
		close(p.done)
	}
}

func (c *Containerd) sendExit(p *process) {
	e := p.exitEvent()
	if p.exec == "" && c.unavailable() {
		p.task.unsent = e
		return
	}
	if c.tasks[p.task.key] != p.task && c.lost("exit event of "+p.task.id, c.opts.Profile.LostExits) {
		sim.Logf("event /tasks/exit %s lost: its shim has ended", p.task.id)
		return
	}
	c.publish(p.task.namespace, e)
}

func (p *process) exitEvent() *eventsapi.TaskExit {
	id := p.task.id
	if p.exec != "" {
		id = p.exec
	}
	return &eventsapi.TaskExit{
		ContainerID: p.task.id, ID: id, Pid: p.pid, ExitStatus: p.code, ExitedAt: timestamppb.New(p.exitedAt),
	}
}

// signal delivers sig to a live process and returns what has to happen once the
// lock, which is held, is released: the death, if it is one, is a step of its
// own and may come any time later.
func (c *Containerd) signal(p *process, sig unix.Signal) (die func()) {
	t := p.task
	if p.exec == "" {
		sim.Logf("signal %d reaches process %s", sig, t.id)
		e := c.truth(t, model.Signaled)
		e.Signal = int(sig)
		c.opts.record(e)
	} else {
		sim.Logf("signal %d reaches process %s of %s", sig, p.exec, t.id)
	}
	if !p.program.dies(sig, p.started) {
		return func() {}
	}
	code := 128 + uint32(sig)
	if sig == unix.SIGTERM && !p.started {
		code = 2 // measured: it ends runc's init, whose Go runtime cannot raise it again
	}
	die = func() {
		sim.Go("death of "+t.id, func() {
			point("process/death", t.id)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.exit(p, code)
		})
	}
	if t.paused && (sig != unix.SIGKILL || p.exec != "") {
		// A frozen process has it when it thaws. runc thaws for SIGKILL, but an
		// executed process is killed by the shim itself, and the freezer of cgroup v1
		// keeps it for as long.
		t.pending = append(t.pending, die)
		return func() {}
	}
	return die
}

// remove forgets t; the lock is held.
func (c *Containerd) remove(t *task) {
	delete(c.tasks, t.key)
	c.notify()
	sim.Logf("task %s deleted", t.id)
	c.opts.record(c.truth(t, model.TaskDeleted))
}

// program is what a process does when it has been started.
type program struct {
	exitAfter time.Duration // initproc.Forever: it has to be told
	code      uint32
	ignores   []unix.Signal
	missing   bool
}

// dies reports whether a signal ends the process. Before its start it is a
// runtime's, which ignores none of those that a program may.
func (p program) dies(sig unix.Signal, started bool) bool {
	if sig != unix.SIGKILL && sig != unix.SIGTERM {
		return false
	}
	return sig == unix.SIGKILL || !started || !slices.Contains(p.ignores, sig)
}

// programOf reads from the spec of a container what its process does: as
// internal/initproc, if the arguments are one of its command lines, else it runs
// until it is told to end. A spec that cannot be read, which only a runtime
// would refuse, is that of such a process.
func programOf(c containers.Container) program {
	var spec runtimespec.Spec
	if c.Spec == nil || json.Unmarshal(c.Spec.GetValue(), &spec) != nil {
		return program{exitAfter: initproc.Forever}
	}
	return programIn(spec.Process)
}

func programIn(spec *runtimespec.Process) program {
	p := program{exitAfter: initproc.Forever}
	if spec == nil || len(spec.Args) == 0 {
		return p
	}
	p.missing = spec.Args[0] == MissingBinary
	if len(spec.Args) > 1 && spec.Args[0] == initproc.Path {
		if command, err := initproc.Parse(spec.Args); err == nil {
			p.exitAfter, p.code = command.ExitAfter, uint32(command.Code)
			p.ignores = append(p.ignores, command.Ignore...)
		}
	}
	for _, env := range spec.Env {
		if name, _, _ := strings.Cut(env, "="); name == IgnoreTerm {
			p.ignores = append(p.ignores, unix.SIGTERM)
		}
	}
	return p
}
