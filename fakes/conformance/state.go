package conformance

import (
	"context"
	"fmt"
)

// State is where a subject is before an operation.
type State string

// The states of a container and its task.
const (
	NoTask           State = "no task"
	Created          State = "created"
	Running          State = "running"
	Paused           State = "paused"
	Stopped          State = "stopped"
	TaskDeleted      State = "task deleted"
	ContainerDeleted State = "container deleted"
	Orphaned         State = "orphaned" // the record of a running container is deleted
)

// The states of a process executed in a running container, and in one whose
// init process has ended.
const (
	ExecCreated State = "exec created"
	ExecRunning State = "exec running"
	ExecStopped State = "exec stopped"
	ExecDeleted State = "exec deleted"
	ExecFailed  State = "exec failed" // its Start failed
	ExecPaused  State = "exec created, task paused"
	ExecFrozen  State = "exec running, task paused"
	ExecLate    State = "exec created, task stopped"
	ExecKilled  State = "exec running, task killed"
)

func taskStates() []State {
	return []State{NoTask, Created, Running, Paused, Stopped, TaskDeleted, ContainerDeleted, Orphaned}
}

// handleStates are those in which a caller has a task.
func handleStates() []State { return taskStates()[1:] }

func execStates() []State {
	return []State{ExecCreated, ExecRunning, ExecStopped, ExecDeleted, ExecFailed, ExecPaused, ExecFrozen, ExecLate, ExecKilled}
}

// missing is the path of a program that no container has.
const missing = "/missing"

// stage brings the subject to a state.
func (s *subject) stage(ctx context.Context, state State) error {
	steps, ok := map[State][]step{
		NoTask:           {},
		Created:          {newTask},
		Running:          {newTask, start},
		Paused:           {newTask, start, pause},
		Stopped:          {newTask, start, exit},
		TaskDeleted:      {newTask, start, exit, deleteTask},
		ContainerDeleted: {newTask, start, exit, deleteTask, deleteContainer},
		Orphaned:         {newTask, start, deleteRecord},
		ExecCreated:      {newTask, start, addExec},
		ExecRunning:      {newTask, start, addExec, startExec},
		ExecStopped:      {newTask, start, addExec, startExec, exitExec},
		ExecDeleted:      {newTask, start, addExec, startExec, exitExec, deleteExec},
		ExecFailed:       {newTask, start, failExec},
		ExecPaused:       {newTask, start, addExec, pause},
		ExecFrozen:       {newTask, start, addExec, startExec, pause},
		ExecLate:         {newTask, start, addExec, exit},
		ExecKilled:       {newTask, start, addExec, startExec, exit},
	}[state]
	if !ok {
		return fmt.Errorf("unknown state %q", state)
	}
	if err := s.create(ctx, program(initCode).Args()...); err != nil {
		return err
	}
	for i, do := range steps {
		if err := do(ctx, s); err != nil {
			return fmt.Errorf("step %d to %q: %w", i+1, state, err)
		}
	}
	return nil
}

// step is what leads from one state to another.
type step func(context.Context, *subject) error

func newTask(ctx context.Context, s *subject) error { return s.newTask(ctx) }
func start(ctx context.Context, s *subject) error   { return s.start(ctx) }
func pause(ctx context.Context, s *subject) error   { return s.task.Pause(ctx) }
func exit(ctx context.Context, s *subject) error    { return s.exit(ctx, "") }

func deleteTask(ctx context.Context, s *subject) error {
	_, err := s.task.Delete(ctx)
	return err
}

func deleteContainer(ctx context.Context, s *subject) error { return s.container.Delete(ctx) }

func deleteRecord(ctx context.Context, s *subject) error {
	return s.client.ContainerService().Delete(ctx, s.id)
}

func addExec(ctx context.Context, s *subject) error {
	return s.exec(ctx, program(execCode).Args()...)
}

func startExec(ctx context.Context, s *subject) error {
	if err := s.process.Start(ctx); err != nil {
		return err
	}
	return s.w.Ready(s.id, execID, s.process.Pid())
}

func exitExec(ctx context.Context, s *subject) error { return s.exit(ctx, execID) }

func deleteExec(ctx context.Context, s *subject) error {
	_, err := s.process.Delete(ctx)
	return err
}

func failExec(ctx context.Context, s *subject) error {
	if err := s.exec(ctx, missing); err != nil {
		return err
	}
	if err := s.process.Start(ctx); err == nil {
		return fmt.Errorf("%s was started", missing)
	}
	return nil
}
