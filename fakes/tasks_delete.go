package fakes

import (
	"context"
	"errors"
	"fmt"

	eventsapi "github.com/containerd/containerd/api/events"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/sim"
)

// deletion is how far the Delete of a task is. Without Profile.Steps nobody sees
// it between its ends.
type deletion int

const (
	undeleted    deletion = iota
	forgotten             // by the shim
	disconnected          // and the daemon has closed the connection to it
)

// Delete forgets a stopped task. It kills a created one, which only the client
// library refuses, and refuses a running one.
func (s taskService) Delete(ctx context.Context, r *tasksapi.DeleteTaskRequest, _ ...grpc.CallOption) (*tasksapi.DeleteResponse, error) {
	return onTask(ctx, s, "tasks.Delete", r.ContainerID, func(t *task) (*tasksapi.DeleteResponse, error) {
		reply := &tasksapi.DeleteResponse{Pid: t.pid, ExitStatus: t.code, ExitedAt: timestamppb.New(t.exitedAt)}
		switch {
		case t.deletion == forgotten && s.c.opts.Profile.DeletesAgain && choose("deleted again "+t.id, 2) == 0:
			return t.deleted, nil
		case t.deletion == forgotten:
			// The daemon takes that for success, and closes the connection under
			// the first Delete.
			t.overtaken = true
			return nil, fmt.Errorf("failed to delete task: cannot delete a deleted process: %w", errdefs.ErrNotFound)
		case !t.visible && t.status == tasktypes.Status_CREATED && !t.ended:
			s.c.exit(&t.process, 128+uint32(unix.SIGKILL))
		case !t.visible && t.status == tasktypes.Status_PAUSED:
			return nil, errors.New("failed to delete task: cannot delete a paused process")
		case !t.visible:
			return nil, errors.New("failed to delete task: cannot delete a running process")
		}
		if s.c.opts.Profile.Steps {
			t.deleted = reply
			s.c.step(t, forgotten)
			t.disconnect()
			s.c.step(t, disconnected)
			if s.c.tasks[t.key] != t {
				return reply, nil // its shim was killed meanwhile
			}
		}
		s.c.remove(t)
		if s.c.lost("delete event of "+t.id, s.c.opts.Profile.LostDeletes) {
			sim.Logf("event /tasks/delete %s lost: its shim has ended", t.id)
		} else {
			s.c.publish(t.namespace, &eventsapi.TaskDelete{
				ContainerID: t.id, Pid: t.pid, ExitStatus: reply.ExitStatus, ExitedAt: reply.ExitedAt,
			})
		}
		if t.overtaken {
			return nil, failpoint.ErrClosed
		}
		return reply, nil
	})
}

// step lets others see t in a phase of its deletion. The lock, which is held, is
// released meanwhile.
func (c *Containerd) step(t *task, d deletion) {
	t.deletion = d
	c.mu.Unlock()
	defer c.mu.Lock()
	point("tasks.Delete/step", t.id)
}

// reserve makes the bundle of a task that is about to be created. The lock,
// which is held, is released meanwhile.
func (c *Containerd) reserve(k key) error {
	if c.bundles[k] {
		return fmt.Errorf("mkdir /run/containerd/io.containerd.runtime.v2.task/%s/%s: file exists", k.namespace, k.id)
	}
	c.bundles[k] = true
	c.mu.Unlock()
	defer c.mu.Lock()
	point("tasks.Create/step", k.id)
	return nil
}
