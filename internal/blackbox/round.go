package blackbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// Check returns an error if a workload is not one for [Target.Run].
func Check(w scenarios.Workload) error {
	known := []scenarios.OpKind{
		scenarios.Start, scenarios.Stop, scenarios.Remove, scenarios.Status, scenarios.Exit,
		scenarios.Update, scenarios.Exec, scenarios.List,
	}
	exits := 0
	for _, op := range w.Ops {
		if !slices.Contains(known, op.Kind) || op.Sandbox != "" || op.Container != "" {
			return fmt.Errorf("workload %q: %s: on an endpoint it is start, stop, remove, status, list, update, exec and exit of one container", w, op)
		}
		if op.Kind == scenarios.Exit {
			exits++
		}
	}
	switch {
	case w.Faults > 0 || w.Plan != "" || w.Loss || w.Hooks || w.Running:
		return fmt.Errorf("workload %q: of the conditions an endpoint can have ignoreterm and pause", w)
	case exits > 1:
		return fmt.Errorf("workload %q: a process ends by itself once", w)
	}
	return nil
}

// The mount with what the process writes, as it sees it, and the file in it.
const (
	factsDir  = "/facts"
	factsName = "facts"
)

// container is the container of a round.
type container struct {
	t     *Target
	pod   pod
	id    string
	facts string // path on the host

	mu     sync.Mutex
	calls  int // numbers given so far
	events []model.Event
	held   int64 // when the process was last seen alive
	gone   int64 // when it was first seen dead after that
}

// Run makes a container, has the operations of w meet its start, brings it to rest,
// removes it and returns its history. Equal seeds draw equal times, in units of what
// was learned of the endpoint so far. An error says that there is no history: the
// endpoint does not answer, or w is not for it.
func (t *Target) Run(ctx context.Context, w scenarios.Workload, seed uint64) (model.History, error) {
	if err := Check(w); err != nil {
		return model.History{}, err
	}
	random := rand.New(rand.NewPCG(seed, 0))
	p, err := t.borrow(ctx)
	if err != nil {
		return model.History{}, err
	}
	c, err := t.create(ctx, p, w, t.timing.exit(random))
	if err != nil {
		return model.History{}, err
	}
	defer os.RemoveAll(filepath.Dir(c.facts)) // what stays goes with Close
	stop := c.watch()
	c.callAll(ctx, w, t.delays(random, w))
	err = c.settle(ctx, w)
	stop()
	if err != nil {
		return model.History{}, errors.Join(err, ctx.Err())
	}
	h, err := c.history(ctx)
	if err == nil {
		t.learn(h)
		t.giveBack(p)
	}
	return h, err
}

// delays returns when each operation is to be called. The first of the starts is
// called at once.
func (t *Target) delays(random *rand.Rand, w scenarios.Workload) []time.Duration {
	delays := make([]time.Duration, len(w.Ops))
	started := false
	for i, op := range w.Ops {
		if op.Kind == scenarios.Start && !started {
			started = true
			continue
		}
		delays[i] = t.timing.draw(random, op.Kind)
	}
	return delays
}

// learn takes the times of the start from a history.
func (t *Target) learn(h model.History) {
	var called, made time.Duration
	for _, e := range h.Events {
		switch {
		case e.Kind == model.Call && e.Op == model.OpStart && called == 0:
			called = time.Duration(e.At)
		case e.Kind == model.TaskCreated:
			made = time.Duration(e.At)
		case e.Kind == model.Return && e.Op == model.OpStart && e.Err == "" && called != 0:
			t.timing.learn(made-called, time.Duration(e.At)-called)
			return
		}
	}
}

func (t *Target) create(ctx context.Context, p pod, w scenarios.Workload, after time.Duration) (*container, error) {
	name := t.name()
	dir := filepath.Join(t.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("blackbox: %w", err)
	}
	command := initproc.Command{ExitAfter: initproc.Forever, Facts: filepath.Join(factsDir, factsName)}
	for _, op := range w.Ops {
		if op.Kind == scenarios.Exit {
			command.ExitAfter, command.Code = after, int(op.Code)
		}
	}
	if w.IgnoreTerm {
		command.Ignore = []syscall.Signal{syscall.SIGTERM}
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	c := &container{t: t, pod: p, facts: filepath.Join(dir, factsName)}
	called := time.Now()
	r, err := t.runtime.CreateContainer(ctx, &runtime.CreateContainerRequest{
		PodSandboxId: p.id, SandboxConfig: p.config,
		Config: &runtime.ContainerConfig{
			Metadata: &runtime.ContainerMetadata{Name: name},
			Image:    t.image(),
			Command:  command.Args(),
			Mounts:   []*runtime.Mount{{HostPath: dir, ContainerPath: factsDir}},
			Linux:    &runtime.LinuxContainerConfig{},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("blackbox: create a container: %w", err)
	}
	c.id = r.GetContainerId()
	e := model.Event{Kind: model.Call, Op: model.OpCreate, ID: c.number(), At: called.UnixNano()}
	c.tell(e)
	e.Kind, e.At = model.Return, 0
	c.tell(e)
	return c, nil
}

// number gives out the number of a call.
func (c *container) number() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	return c.calls
}

// tell records an event of the container, now unless it says when.
func (c *container) tell(e model.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.Container = c.id
	if e.At == 0 {
		e.At = time.Now().UnixNano()
	}
	c.events = append(c.events, e)
}

// callAll makes the calls of w after their delays and waits for them.
func (c *container) callAll(ctx context.Context, w scenarios.Workload, delays []time.Duration) {
	var calls sync.WaitGroup
	begin := time.Now()
	for i, op := range w.Ops {
		if op.Kind == scenarios.Exit {
			continue
		}
		calls.Go(func() {
			time.Sleep(time.Until(begin.Add(delays[i])))
			_ = c.do(ctx, op, i, false) // a failure is part of the history
		})
	}
	calls.Wait()
}
