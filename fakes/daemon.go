package fakes

import (
	"context"
	"fmt"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// session is one run of the daemon, from its start to its crash. Shims and
// processes outlive it.
type session struct {
	c    *Containerd
	down chan struct{} // closed by the crash
	dead bool
}

// Errors of calls to a daemon that crashed, as clients of real ones see them.
var (
	errRefused = status.Error(codes.Unavailable, "connection error: desc = \"transport: Error while dialing: dial unix: connect: connection refused\"")
	errBroken  = status.Error(codes.Unavailable, "error reading from server: EOF")
)

// run returns the present run of the daemon; nil for none.
func (c *Containerd) run() (s *session) {
	if c == nil {
		return nil
	}
	sim.Quietly(func() {
		c.lifeMu.Lock()
		defer c.lifeMu.Unlock()
		s = c.session
	})
	return s
}

// alive returns nil while the daemon of s serves.
func (s *session) alive() (err error) {
	if s == nil {
		return nil
	}
	sim.Quietly(func() {
		s.c.lifeMu.Lock()
		defer s.c.lifeMu.Unlock()
		if s.dead {
			err = errBroken
		}
	})
	return err
}

// broken returns what closes when the daemon of s crashes.
func (s *session) broken() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.down
}

// sleep waits for d, or returns why the call ended before.
func (s *session) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.broken():
		return errBroken
	}
}

// block waits until the faults are stopped, or returns why the call ended.
func (s *session) block(ctx context.Context, f *Faults) error {
	select {
	case <-f.calm():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.broken():
		return errBroken
	}
}

// Crash kills the daemon as kill -9 does. All calls and streams end with class
// Unavailable, and further calls do until Restart. Shims and processes live on;
// events that they send meanwhile are lost. It does nothing while it is down.
func (c *Containerd) Crash() {
	sim.Quietly(func() {
		c.lifeMu.Lock()
		defer c.lifeMu.Unlock()
		if !c.session.dead {
			c.session.dead = true
			close(c.session.down)
		}
	})
	sim.Logf("the daemon crashes")
}

// Restart starts the daemon, after Crash if need be, and returns when it serves.
// For each task it passes the point "daemon/recover", at which a plan may crash
// it again; then it returns an error of class Unavailable and is down, and what
// it had not recovered is left to the next Restart. What becomes of the tasks
// that ended meanwhile is a matter of the Profile.
func (c *Containerd) Restart() error {
	c.Crash()
	c.mu.Lock()
	all := c.allTasks()
	c.mu.Unlock()
	for _, t := range all {
		point(failpoint.Recover, t.id)
		if a := c.opts.Faults.evaluate(failpoint.Recover, t.id); a != nil {
			switch a.Name {
			case "crash":
				return fmt.Errorf("the daemon crashed while it recovered: %w", errdefs.ErrUnavailable)
			case "kill":
				c.KillShim(t.id)
			case "delay":
				d := a.Duration()
				time.Sleep(min(d, loadTimeout))
				if d >= loadTimeout {
					c.KillShim(t.id)
				}
			}
		}
		c.recover(t)
	}
	sim.Quietly(func() {
		c.lifeMu.Lock()
		defer c.lifeMu.Unlock()
		c.session = newSession(c)
	})
	sim.Logf("the daemon serves again")
	return nil
}

const (
	// loadTimeout is what the daemon gives a shim at its start, core/runtime/v2/shim_load.go.
	loadTimeout = 5 * time.Second
	// resendDelay is how late a shim sends again an event that it could not send
	// during an outage: measured 0.5 s after the restart on 1.6.20.
	resendDelay = 500 * time.Millisecond
	// cleanupDelay is between the death of a shim and the daemon's cleanup:
	// measured 0.1 to 0.16 s.
	cleanupDelay = 100 * time.Millisecond
)

func newSession(c *Containerd) *session { return &session{c: c, down: make(chan struct{})} }

// recover is what a daemon does about a task at its start.
func (c *Containerd) recover(t *task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tasks[t.key] != t {
		return
	}
	if _, err := c.container(t.key); err != nil {
		t.hidden = true // its record is gone: the process is nobody's
		return
	}
	switch {
	case t.shimDead:
		// Nobody is told: the code is lost.
		c.end(&t.process, 128+uint32(unix.SIGKILL), nil)
		c.remove(t)
	case t.ended && c.opts.Profile.DropsStopped:
		if t.oomKills > 0 {
			c.loseReasons()
		}
		c.remove(t)
	case t.ended && t.unsent != nil:
		event := t.unsent
		t.unsent = nil
		sim.Go("shim of "+t.id, func() {
			time.Sleep(resendDelay)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.publish(t.namespace, event)
		})
	}
}

// KillShim kills the shim of container id as kill -9 does. Open calls end with
// "ttrpc: closed"; further ones find no task. Some time later the daemon kills
// the process and sends exit and delete events with code 137, also for a process
// that never ran. While the daemon is down nothing of that happens: the process
// runs on until a Restart kills it, and no code is anywhere. It reports whether
// there was a shim.
func (c *Containerd) KillShim(id string) bool {
	point("shim/death", id)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tasks[key{Namespace, id}]
	if t == nil || t.shimDead {
		return false
	}
	c.killShim(t)
	return true
}

// killShim is KillShim for a task that has a shim; the lock is held.
func (c *Containerd) killShim(t *task) {
	t.shimDead = true
	c.loseReasons()
	t.disconnect()
	sim.Logf("the shim of %s is killed", t.id)
	sim.Go("cleanup of "+t.id, func() {
		if c.run().sleep(context.Background(), cleanupDelay) != nil || c.run().alive() != nil {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.tasks[t.key] != t {
			return
		}
		const code = 128 + uint32(unix.SIGKILL)
		c.end(&t.process, code, nil)
		// The daemon does not know how the process ended, if it did before.
		exit := t.exitEvent()
		exit.ExitStatus = code
		c.publish(t.namespace, exit)
		c.remove(t)
		c.publish(t.namespace, &eventsapi.TaskDelete{
			ContainerID: t.id, Pid: t.pid, ExitStatus: code, ExitedAt: timestamppb.New(t.exitedAt),
		})
	})
}

// loseReasons records that nobody can know of all OOM kills any more.
func (c *Containerd) loseReasons() {
	c.opts.record(model.Event{Kind: model.Unreliable, What: model.Reasons, At: c.now().UnixNano()})
}

// CloseConnection closes the connection between daemon and shim of container
// id, as a Delete does that has finished: calls that are on their way, Wait
// included, end with class Unknown and "ttrpc: closed". Later calls are not
// affected. It reports whether there is a task.
func (c *Containerd) CloseConnection(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tasks[key{Namespace, id}]
	if t == nil {
		return false
	}
	t.disconnect()
	t.connection = newConnection()
	return true
}

// OOM makes the kernel kill something in the cgroup of container id for lack of
// memory. The process ends with 137, after the OOM event; a plan can make it
// end before that or not at all, and can lose the event. It reports whether
// there was a live process.
func (c *Containerd) OOM(id string) bool {
	point(failpoint.OOM, id)
	name := ""
	if a := c.opts.Faults.evaluate(failpoint.OOM, id); a != nil {
		name = a.Name
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tasks[key{Namespace, id}]
	if t == nil || t.ended {
		return false
	}
	t.oomKills++
	say := func() {
		c.opts.record(c.truth(t, model.OOMKilled))
		c.publish(t.namespace, &eventsapi.TaskOOM{ContainerID: id})
	}
	if name != "after" {
		say()
	}
	if name != "alone" {
		c.exit(&t.process, 128+uint32(unix.SIGKILL))
	}
	if name == "after" {
		say()
	}
	return true
}

// perform is what actions do that reach beyond the call. Those of a container
// that does not exist do nothing.
func (c *Containerd) perform(_ context.Context, a failpoint.Action, id string) {
	switch a.Name {
	case "close":
		c.CloseConnection(id)
	case "exit":
		c.Exit(id, a.Code())
	case "kill":
		c.KillShim(id)
	case "crash":
		c.Crash()
		if a.Arg != "" {
			d := a.Duration()
			sim.Go("init system", func() {
				time.Sleep(d)
				for c.Restart() != nil {
					time.Sleep(d)
				}
			})
		}
	case "jump":
		d := a.Duration()
		c.Jump(d)
	}
}

// Jump sets the wall clock of daemon and shims d forward, or back if d is
// negative: the times of exits, events and records jump against the clock of
// the caller. Timers are not affected.
func (c *Containerd) Jump(d time.Duration) {
	sim.Quietly(func() {
		c.lifeMu.Lock()
		defer c.lifeMu.Unlock()
		c.skew += d
	})
	sim.Logf("the clock jumps by %v", d)
}

// now is the wall clock of daemon and shims.
func (c *Containerd) now() (now time.Time) {
	sim.Quietly(func() {
		c.lifeMu.Lock()
		defer c.lifeMu.Unlock()
		now = time.Now().Add(c.skew)
	})
	return now
}

// truth is an event of the ground truth about the init process of t.
func (c *Containerd) truth(t *task, kind model.Kind) model.Event {
	return model.Event{Kind: kind, Container: t.id, Life: t.life, Pid: t.pid, At: c.now().UnixNano()}
}

// Serving reports whether the daemon is up.
func (c *Containerd) Serving() bool { return !c.unavailable() }

// unavailable reports whether nobody takes what shims send.
func (c *Containerd) unavailable() bool { return c.run().alive() != nil }
