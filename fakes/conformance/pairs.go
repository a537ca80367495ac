package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/pkg/cio"
)

// Pair is two operations at the same time.
type Pair struct {
	State State
	A, B  string
}

// String returns the pair as in recorded outcomes.
func (p Pair) String() string { return fmt.Sprintf("%s: %s | %s", p.State, p.A, p.B) }

// Pairs returns the pairs whose outcomes are compared.
func Pairs() []Pair {
	return []Pair{
		{NoTask, "Container.NewTask", "Container.NewTask"},
		{NoTask, "Container.NewTask", "containers.Delete"},
		{NoTask, "Container.Delete", "Container.Delete"},
		{Created, "Task.Start", "Task.Start"},
		{Created, "Task.Start", "Task.Kill KILL"},
		{Created, "Task.Start", "tasks.Delete"},
		{Created, "Task.Start", "containers.Delete"},
		{Created, "Task.Start", "Task.Status"},
		{Created, "Task.Kill KILL", "tasks.Delete"},
		{Created, "tasks.Delete", "tasks.Delete"},
		{Running, "Task.Kill KILL", "Task.Kill KILL"},
		{Running, "Task.Kill KILL", "Task.Kill TERM"},
		{Running, "Task.Kill KILL", "tasks.Delete"},
		{Running, "Task.Kill KILL", "Task.Delete"},
		{Running, "Task.Kill KILL", "Task.Wait"},
		{Running, "Task.Kill KILL", "Task.Pids"},
		{Running, "Task.Kill KILL", "containers.Delete"},
		{Running, "Task.Delete with kill", "Task.Wait"},
		{Running, "Task.Pause", "Task.Pause"},
		{Running, "Task.Pause", "Task.Kill KILL"},
		{Running, "Task.Exec", "Task.Kill KILL"},
		{Paused, "Task.Resume", "Task.Resume"},
		{Paused, "Task.Resume", "Task.Kill KILL"},
		{Stopped, "Task.Delete", "Task.Delete"},
		{Stopped, "Task.Delete", "Task.Wait"},
		{Stopped, "Task.Delete", "Task.Kill KILL"},
		{Stopped, "Task.Delete", "Task.Start"},
		{Stopped, "Task.Delete", "Task.Status"},
		{Stopped, "Task.Delete", "Container.NewTask"},
		{Stopped, "Task.Delete", "Container.Delete"},
		{ExecCreated, "Exec.Start", "Exec.Start"},
		{ExecCreated, "Exec.Start", "Task.Kill KILL"},
		{ExecRunning, "Exec.Kill KILL", "Exec.Kill KILL"},
		{ExecRunning, "Exec.Kill KILL", "Exec.Delete"},
		{ExecStopped, "Exec.Delete", "Exec.Delete"},
	}
}

// RunPair makes a container, does both operations on it at once, waits until
// nothing moves, and returns what they did, with classes of errors only, and what there is. delay, which may
// be negative, is by how much the second is later. Nothing is left.
func RunPair(ctx context.Context, w World, id string, p Pair, delay time.Duration, settle func(look func() string) string) (_ string, err error) {
	client, err := w.Client()
	if err != nil {
		return "", err
	}
	defer client.Close()
	s := &subject{w: w, client: client, id: id, patience: settleLimit}
	defer func() { err = errors.Join(err, s.remove(ctx)) }()
	if err := s.stage(ctx, p.State); err != nil {
		return "", err
	}
	first, second := *s, *s
	if err := second.reload(ctx); err != nil {
		return "", err
	}
	_, ops := cells()
	var outcomes [2]string
	var calls sync.WaitGroup
	for i, name := range []string{p.A, p.B} {
		op, ok := ops[name]
		if !ok {
			return "", fmt.Errorf("there is no operation %q", name)
		}
		wait := max(0, delay)
		if i == 0 {
			wait = max(0, -delay)
		}
		calls.Go(func() {
			if wait > 0 {
				time.Sleep(wait)
			}
			own := []*subject{&first, &second}[i]
			outcomes[i] = coarse(own.outcome(op.do(ctx, own)))
		})
	}
	calls.Wait()
	after := settle(func() string { return s.observe(ctx) })
	return fmt.Sprintf("%s | %s -> %s", outcomes[0], outcomes[1], after), nil
}

// reload gets handles of its own for s: those of the client may not be used by
// several goroutines, since Start writes what Kill reads.
func (s *subject) reload(ctx context.Context) (err error) {
	if s.container, err = s.client.LoadContainer(ctx, s.id); err != nil || s.task == nil {
		return err
	}
	if s.task, err = s.container.Task(ctx, cio.Load); err != nil || s.process == nil {
		return err
	}
	s.process, err = s.task.LoadProcess(ctx, execID, func(*cio.FIFOSet) (cio.IO, error) { return nil, nil })
	return err
}

// coarse leaves of an outcome the class of an error: what runc says when
// something goes away under its hands is different each time.
func coarse(outcome string) string {
	if class, _, failed := strings.Cut(outcome, ": "); failed && !strings.HasPrefix(outcome, "ok") {
		return class
	}
	return outcome
}

// Outcomes are those of pairs, with how often each was seen.
type Outcomes map[Pair]map[string]int

// Add counts an outcome.
func (o Outcomes) Add(p Pair, outcome string) {
	if o[p] == nil {
		o[p] = map[string]int{}
	}
	o[p][outcome]++
}

// String writes outcomes as lines of state, operations, count and outcome.
func (o Outcomes) String() string {
	var b strings.Builder
	for _, p := range Pairs() {
		texts := make([]string, 0, len(o[p]))
		for text := range o[p] {
			texts = append(texts, text)
		}
		slices.Sort(texts)
		for _, text := range texts {
			fmt.Fprintf(&b, "%s\t%s\t%s\t%d\t%s\n", p.State, p.A, p.B, o[p][text], text)
		}
	}
	return b.String()
}

// ParseOutcomes is the inverse of String.
func ParseOutcomes(text string) (Outcomes, error) {
	o := Outcomes{}
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 5 {
			return nil, fmt.Errorf("line %q does not have five fields", line)
		}
		p := Pair{State(fields[0]), fields[1], fields[2]}
		if !slices.Contains(Pairs(), p) {
			return nil, fmt.Errorf("there is no pair %v", p)
		}
		n := 0
		if _, err := fmt.Sscan(fields[3], &n); err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		for range n {
			o.Add(p, fields[4])
		}
	}
	return o, nil
}
