package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/containerd/v2/pkg/cio"
)

// errNotRunning is the outcome of a process that should end by itself but does
// not run.
var errNotRunning = errors.New("not running")

// errNoExec is the outcome of an operation on an executed process when none was
// ever made.
var errNoExec = errors.New("no exec so far")

// steps returns what the names stand for: the operations of the table and those
// that the table has as states.
func steps() map[string]func(context.Context, *subject) (string, error) {
	all := map[string]func(context.Context, *subject) (string, error){}
	for _, op := range Ops() {
		all[op.Name] = op.do
	}
	all["Exit"] = func(ctx context.Context, s *subject) (string, error) { return "", s.exitRunning(ctx, "") }
	all["Exec.Exit"] = func(ctx context.Context, s *subject) (string, error) { return "", s.exitRunning(ctx, execID) }
	all["Task.Start"] = func(ctx context.Context, s *subject) (string, error) { return "", s.start(ctx) }
	all["Exec.Start"] = func(ctx context.Context, s *subject) (string, error) { return "", startExec(ctx, s) }
	all["NewContainer ignoring TERM"] = func(ctx context.Context, s *subject) (string, error) {
		container, err := newContainer(ctx, s.w, s.client, s.id, program(initCode, sigTerm).Args()...)
		return "", s.keep(container, err)
	}
	all["NewContainer"] = func(ctx context.Context, s *subject) (string, error) {
		container, err := newContainer(ctx, s.w, s.client, s.id, program(initCode).Args()...)
		return "", s.keep(container, err)
	}
	all["Container.Task"] = func(ctx context.Context, s *subject) (string, error) {
		task, err := s.container.Task(ctx, cio.Load)
		if err == nil {
			s.task = task
		}
		return "", err
	}
	return all
}

// exitRunning is exit for a process that runs.
func (s *subject) exitRunning(ctx context.Context, exec string) error {
	p, err := s.get(ctx, exec)
	if err != nil || p.Status != tasktypes.Status_RUNNING {
		return errNotRunning
	}
	return s.exit(ctx, exec)
}

// Step is what one operation of a sequence did.
type Step struct {
	Op      string
	Outcome string
	After   string // what there was once it had settled
}

// String returns the step as a line.
func (s Step) String() string { return fmt.Sprintf("%s: %s -> %s", s.Op, s.Outcome, s.After) }

// RunSequence makes a container with a task and does the operations of these
// names one after another. settle is called after each, with its number and a
// function that looks at what there is, and returns what there is once nothing
// moves by itself any more. Nothing is left at the end.
func RunSequence(ctx context.Context, w World, id string, names []string, settle func(i int, look func() string) string) (_ []Step, err error) {
	client, err := w.Client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	s := &subject{w: w, client: client, id: id}
	defer func() { err = errors.Join(err, s.remove(ctx)) }()
	if err := s.stage(ctx, Created); err != nil {
		return nil, err
	}
	all := steps()
	look := func() string { return s.observe(ctx) }
	var done []Step
	for i, name := range names {
		do, ok := all[name]
		if !ok {
			return nil, fmt.Errorf("there is no operation %q", name)
		}
		step := Step{Op: name}
		if isExec(name) && s.process == nil {
			step.Outcome = errNoExec.Error()
		} else {
			step.Outcome = s.outcome(do(ctx, s))
		}
		step.After = settle(i, look)
		done = append(done, step)
	}
	return done, nil
}

// isExec tells whether an operation needs the handle of an executed process.
func isExec(name string) bool { return strings.HasPrefix(name, "Exec.") }

// RunSequenceOnFake does a sequence on a new fake that behaves like a release,
// and waits after each operation for a second of its time. It is to be called in
// a bubble of package testing/synctest, in which that takes none.
func RunSequenceOnFake(ctx context.Context, release string, names []string) ([]Step, error) {
	w, err := NewFake(release)
	if err != nil {
		return nil, err
	}
	defer time.Sleep(time.Second) // what removing it set going
	return RunSequence(ctx, w, "sequence-0", names, func(_ int, look func() string) string {
		time.Sleep(time.Second)
		return look()
	})
}
