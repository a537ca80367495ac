package fakes

import (
	"encoding/json"
	"strings"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/containerd/v2/core/containers"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// IgnoreTerm is the environment variable that makes a started process ignore
// SIGTERM.
const IgnoreTerm = "IGNORE_TERM"

// task is a task and its init process. Everything but key, life, pid and done is
// guarded by the lock of the Containerd.
type task struct {
	key
	life       int
	pid        uint32
	status     tasktypes.Status
	started    bool
	ignoreTerm bool
	code       uint32
	exitedAt   time.Time
	done       chan struct{} // closed when the process has ended

	stdin, stdout, stderr string
	terminal              bool
}

func (t *task) live() bool { return t.status != tasktypes.Status_STOPPED }

// process describes the task as Get and List do.
func (t *task) process() *tasktypes.Process {
	return &tasktypes.Process{
		ID: t.id, Pid: t.pid, Status: t.status, ExitStatus: t.code,
		Stdin: t.stdin, Stdout: t.stdout, Stderr: t.stderr, Terminal: t.terminal,
		ExitedAt: timestamppb.New(t.exitedAt),
	}
}

// truth is an event of the ground truth about t, at the current time.
func (t *task) truth(kind model.Kind) model.Event {
	return model.Event{Kind: kind, Container: t.id, Life: t.life, Pid: t.pid, At: time.Now().UnixNano()}
}

// exit ends the process of t: state, waiters and the exit event change in one
// step. It reports false if there is no process left. The lock is held.
func (c *Containerd) exit(t *task, code uint32) bool {
	if !t.live() {
		return false
	}
	t.status, t.code, t.exitedAt = tasktypes.Status_STOPPED, code, time.Now()
	c.notify()
	sim.Logf("process %s exits with %d", t.id, code)
	e := t.truth(model.Exited)
	e.Code, e.At = int32(code), t.exitedAt.UnixNano()
	c.opts.record(e)
	c.publish(t.namespace, &eventsapi.TaskExit{
		ContainerID: t.id, ID: t.id, Pid: t.pid, ExitStatus: code, ExitedAt: timestamppb.New(t.exitedAt),
	})
	close(t.done) // from here on nothing of this changes
	return true
}

// signal delivers sig to the live process of t and returns what has to happen
// once the lock, which is held, is released: the death, if it is one, is a step
// of its own and may come any time later.
func (c *Containerd) signal(t *task, sig unix.Signal) (die func()) {
	sim.Logf("signal %d reaches process %s", sig, t.id)
	e := t.truth(model.Signaled)
	e.Signal = int(sig)
	c.opts.record(e)
	if sig != unix.SIGKILL && (sig != unix.SIGTERM || t.started && t.ignoreTerm) {
		return func() {}
	}
	return func() {
		sim.Go("death of "+t.id, func() {
			point("process/death", t.id)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.exit(t, 128+uint32(sig))
		})
	}
}

// remove forgets t; the lock is held.
func (c *Containerd) remove(t *task) {
	delete(c.tasks, t.key)
	c.notify()
	sim.Logf("task %s deleted", t.id)
	c.opts.record(t.truth(model.TaskDeleted))
}

// ignoresTerm reads IgnoreTerm from the spec of a container. A spec that cannot
// be read, which only a runtime would refuse, ignores nothing.
func ignoresTerm(c containers.Container) bool {
	var spec runtimespec.Spec
	if c.Spec == nil || json.Unmarshal(c.Spec.GetValue(), &spec) != nil || spec.Process == nil {
		return false
	}
	for _, env := range spec.Process.Env {
		if name, _, _ := strings.Cut(env, "="); name == IgnoreTerm {
			return true
		}
	}
	return false
}
