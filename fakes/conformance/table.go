package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	tasktypes "github.com/containerd/containerd/api/types/task"
)

// Cell is one operation in one state.
type Cell struct {
	Op    string
	State State
}

// Table is what an operation in a state did, and what there was afterwards, as
// in "ok -> container, task running".
type Table map[Cell]string

// cells returns all cells with their operations, in the order of Ops.
func cells() (all []Cell, ops map[string]Op) {
	ops = map[string]Op{}
	for _, op := range Ops() {
		ops[op.Name] = op
		for _, state := range op.States {
			all = append(all, Cell{op.Name, state})
		}
	}
	return all, ops
}

// RunTable tries operations in states, each on a container of its own, several
// at a time. With every = 1 it tries all cells, with n every nth.
func RunTable(ctx context.Context, w World, parallel, every int) (Table, error) {
	client, err := w.Client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	all, ops := cells()
	table := Table{}
	var mu sync.Mutex
	var next atomic.Int64
	var errs []error
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(all); i = next.Add(1) - 1 {
				if int(i)%every != 0 {
					continue
				}
				s := &subject{w: w, client: client, id: fmt.Sprintf("cell-%03d", i)}
				text, err := s.try(ctx, all[i].State, ops[all[i].Op])
				mu.Lock()
				table[all[i]] = text
				if err != nil {
					errs = append(errs, fmt.Errorf("%s, %s: %w", all[i].Op, all[i].State, err))
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return table, errors.Join(errs...)
}

// try brings s to a state, does op, describes it and removes s.
func (s *subject) try(ctx context.Context, state State, op Op) (string, error) {
	if err := s.stage(ctx, state); err != nil {
		return "", errors.Join(err, s.remove(ctx))
	}
	detail, err := op.do(ctx, s)
	text := s.outcome(detail, err)
	if op.ends && err == nil {
		s.settle(ctx, op)
	}
	text += " -> " + s.observe(ctx)
	return text, s.remove(ctx)
}

// endLimit is how long a signal may take to end a process. One that does not
// end it is not waited for any longer.
const endLimit = 2 * time.Second

// settle waits until the processes that op may have ended have, as they do a
// moment after a signal, if they do.
func (s *subject) settle(ctx context.Context, op Op) {
	ended := func(exec string) bool {
		p, err := s.get(ctx, exec)
		return err != nil || p.Status == tasktypes.Status_STOPPED
	}
	poll(ctx, endLimit, func() bool {
		return (op.onExec || ended("")) && (s.process == nil || ended(execID) || !op.onExec && s.created(ctx))
	})
}

// created tells whether the executed process was never started, so that no
// signal to its container ends it.
func (s *subject) created(ctx context.Context) bool {
	p, err := s.get(ctx, execID)
	return err == nil && p.Pid == 0
}

// String writes a table as lines of operation, state and outcome, separated by
// tabs, in the order of Ops.
func (t Table) String() string {
	var b strings.Builder
	all, _ := cells()
	for _, c := range all {
		if text, ok := t[c]; ok {
			fmt.Fprintf(&b, "%s\t%s\t%s\n", c.Op, c.State, text)
		}
	}
	return b.String()
}

// ParseTable is the inverse of String.
func ParseTable(text string) (Table, error) {
	all, _ := cells()
	t := Table{}
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %q does not have three fields", line)
		}
		c := Cell{fields[0], State(fields[1])}
		if !slices.Contains(all, c) {
			return nil, fmt.Errorf("there is no operation %q in state %q", c.Op, c.State)
		}
		t[c] = fields[2]
	}
	return t, nil
}
