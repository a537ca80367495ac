package scenarios

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/log"

	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/model"
)

// Breaker breaks a real containerd: a daemon of package internal/daemon.
type Breaker interface {
	// Kill kills the daemon, and Restart starts it again and returns when it
	// serves. Shims and processes live on.
	Kill() error
	Restart(ctx context.Context) error
	// KillShim kills the shim of a container. The error wraps os.ErrProcessDone if
	// it has none.
	KillShim(id string) error
}

// Breaks are what RunBroken breaks.
type Breaks struct {
	Daemon bool // it is killed and started again twice
	Shims  bool // that of every second container is killed
}

// Names returns what b breaks: daemon, shim.
func (b Breaks) Names() (names []string) {
	if b.Daemon {
		names = append(names, "daemon")
	}
	if b.Shims {
		names = append(names, "shim")
	}
	return names
}

// Broken is what came of RunBroken.
type Broken struct {
	Histories []model.History // of each container that was created
	Failed    int             // calls of CreateContainer that failed; they were repeated
	Kills     int             // of the daemon
	// DaemonKills and ShimKills count, by what a container was at, those that were
	// met by a kill.
	DaemonKills, ShimKills map[Phase]int
	// Unseen counts processes that were made to end while there was no daemon.
	Unseen int
}

// Add adds another result to b.
func (b *Broken) Add(more *Broken) {
	b.Histories = append(b.Histories, more.Histories...)
	b.Failed += more.Failed
	b.Kills += more.Kills
	b.Unseen += more.Unseen
	for _, p := range Phases() {
		b.DaemonKills[p] += more.DaemonKills[p]
		b.ShimKills[p] += more.ShimKills[p]
	}
}

// Phase is what a container is at, as far as its history knows.
type Phase string

// The phases, in the order in which a container comes through them.
const (
	PhaseCreated  Phase = "created" // and nobody has called StartContainer
	PhaseAsked    Phase = "asked"   // StartContainer was called, and there is no task
	PhaseTask     Phase = "task"    // there is a task, and StartContainer has not returned
	PhaseRunning  Phase = "running"
	PhaseStopping Phase = "stopping" // while it is to be stopped
	PhaseEnded    Phase = "ended"    // the process has ended, and nobody has recorded that
	PhaseExited   Phase = "exited"
	PhaseRemoving Phase = "removing"
)

// Phases returns all phases.
func Phases() []Phase {
	return []Phase{
		PhaseCreated, PhaseAsked, PhaseTask, PhaseRunning, PhaseStopping, PhaseEnded, PhaseExited, PhaseRemoving,
	}
}

// How the time of RunBroken is spread over many containers at once.
const (
	brokenStart  = 1200 * time.Millisecond // CreateContainer, and then StartContainer, is called
	brokenCall   = 2500 * time.Millisecond // other calls are
	brokenExit   = 1500 * time.Millisecond // after its start the process ends, unless at once
	brokenDaemon = 1500 * time.Millisecond // the daemon is killed
	brokenOutage = 400 * time.Millisecond  // how long nobody starts it

	createPause = 100 * time.Millisecond // between two tries of CreateContainer
)

// RunBroken runs workloads, each on a container of its own and all at once, while
// breaks are made: the daemon is killed and started again twice, about half of the
// processes that run then end before it is back, and the shim of every second
// container is killed, in the phases in turn. When that is over, everything is brought to rest as in
// Run. Equal seeds make equal times. An error says that a container could not be
// made or removed, and is no violation; a violation may be the reason, so that there
// is a result of those that were made. Nothing else may be run meanwhile.
func (r *Real) RunBroken(ctx context.Context, ws []Workload, breaks Breaks, seed uint64) (*Broken, error) {
	if r.env.Breaker == nil {
		return nil, errors.New("a containerd that nobody can break")
	}
	for _, w := range ws {
		if err := w.real(); err != nil {
			return nil, err
		}
	}
	ctx = namespaces.WithNamespace(log.WithLogger(ctx, newLogger()), r.env.Namespace)
	b := &breaking{real: r, result: &Broken{DaemonKills: map[Phase]int{}, ShimKills: map[Phase]int{}}, live: map[string]*driver{}}
	drivers := make([]*driver, len(ws))
	err := together(len(ws)+1, func(i int) error {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		if i == len(ws) {
			if !breaks.Daemon {
				return nil
			}
			return b.breakDaemon(ctx, random)
		}
		exit, after := ws[i].drawExit(random, brokenExit)
		shim := Phase("")
		if breaks.Shims && i%2 == 0 {
			shim = shimPhases()[(uint64(i/2)+seed)%uint64(len(shimPhases()))]
		}
		d, err := b.drive(ctx, ws[i], command(ws[i], exit, after), random, shim)
		drivers[i] = d
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := r.answers(ctx); err != nil {
		return nil, err
	}
	err = together(len(ws), func(i int) error { return r.settle(ctx, drivers[i], ws[i], probeTries) })
	for _, d := range drivers {
		b.result.Histories = append(b.result.Histories, r.rec.history(d.id))
		r.rec.forget(d.id)
	}
	return b.result, errors.Join(err, ctx.Err())
}

// together calls f with 0 to n-1 at once and returns all errors.
func together(n int, f func(int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// breaking is a RunBroken that is going on.
type breaking struct {
	real *Real

	mu     sync.Mutex
	result *Broken
	live   map[string]*driver // the containers
	broken bool               // the daemon was killed
}

// drive creates a container, as often as it takes, makes the calls of w, and kills
// the shim in that phase, if it is not "".
func (b *breaking) drive(ctx context.Context, w Workload, c initproc.Command, random *rand.Rand, shim Phase) (*driver, error) {
	r := b.real
	created := within(random, brokenStart)
	delays := make([]time.Duration, len(w.Ops))
	for i, op := range w.Ops {
		limit := brokenCall
		if op.Kind == Start {
			limit = brokenStart
		}
		delays[i] = within(random, limit)
	}

	d := &driver{service: r.service, rec: r.rec}
	time.Sleep(created)
	for {
		name := fmt.Sprintf("real-%d", r.runs.Add(1))
		err := d.create(ctx, name, r.env.Rootfs, c.Args(), w)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil, err
		}
		b.mu.Lock()
		b.result.Failed++
		b.mu.Unlock()
		if d.pod != "" {
			if err := r.removeSandbox(ctx, d.pod); err != nil {
				return nil, err
			}
		}
		time.Sleep(createPause)
	}
	b.created(d)
	returned := make(chan struct{})
	var killer sync.WaitGroup
	if shim != "" {
		killer.Go(func() { b.killShim(d, shim, returned) })
	}
	r.call(ctx, d, w, delays)
	close(returned)
	killer.Wait()
	return d, nil
}

// created makes d one of those that a kill of the daemon meets.
func (b *breaking) created(d *driver) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d.created()
	b.live[d.id] = d
	if b.broken {
		d.tell(model.Event{Kind: model.Unreliable, Container: d.id, What: model.Exits})
	}
}

// shimPhases are those in which a shim is killed.
func shimPhases() []Phase {
	return []Phase{PhaseAsked, PhaseTask, PhaseRunning, PhaseStopping, PhaseEnded}
}

// killShim kills the shim of d as soon as there is one and d is in that phase, or
// when all calls have returned. What it was at is what counts.
func (b *breaking) killShim(d *driver, when Phase, returned <-chan struct{}) {
	for last := false; ; {
		at := phase(b.real.rec.history(d.id))
		if (at == when || last) && b.tryKillShim(d, at) || last {
			return
		}
		select {
		case <-returned:
			last = true
		case <-time.After(time.Millisecond):
		}
	}
}

func (b *breaking) tryKillShim(d *driver, at Phase) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, what := range []string{model.Exits, model.Shims} {
		d.tell(model.Event{Kind: model.Unreliable, Container: d.id, What: what})
	}
	if b.real.env.Breaker.KillShim(d.id) != nil {
		return false // there is none
	}
	b.result.ShimKills[at]++
	return true
}

// daemonKills is how often the daemon is killed.
const daemonKills = 2

// breakDaemon kills the daemon and starts it again.
func (b *breaking) breakDaemon(ctx context.Context, random *rand.Rand) error {
	for range daemonKills {
		time.Sleep(within(random, brokenDaemon))
		if err := b.killDaemon(); err != nil {
			return fmt.Errorf("kill the daemon: %w", err)
		}
		time.Sleep(within(random, brokenOutage))
		b.endUnseen(random)
		if err := b.real.env.Breaker.Restart(ctx); err != nil {
			return fmt.Errorf("restart the daemon: %w", err)
		}
	}
	return nil
}

func (b *breaking) killDaemon() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = true
	for _, id := range slices.Sorted(maps.Keys(b.live)) {
		d := b.live[id]
		b.result.DaemonKills[phase(b.real.rec.history(id))]++
		d.tell(model.Event{Kind: model.Unreliable, Container: id, What: model.Exits})
	}
	b.result.Kills++
	return b.real.env.Breaker.Kill()
}

// endUnseen ends about half of the processes while there is no daemon.
func (b *breaking) endUnseen(random *rand.Rand) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(b.live)) {
		var status model.Status
		for _, e := range b.real.rec.history(id).Events {
			if e.Kind == model.Stored {
				status = e.Status
			}
		}
		if status.State() != model.StateRunning || random.IntN(2) == 0 {
			continue
		}
		// The number may be that of another process by now, but not the name.
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", status.Pid))
		if err == nil && strings.TrimSpace(string(name)) == initproc.ReadyName &&
			syscall.Kill(int(status.Pid), initproc.Quit) == nil {
			b.result.Unseen++
		}
	}
}

// answers waits until the client has found the daemon again.
func (r *Real) answers(ctx context.Context) error {
	for {
		_, err := r.env.Client.Version(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the daemon does not answer: %w", err)
		}
		time.Sleep(restPoll)
	}
}

// phase is what a container is at after h.
func phase(h model.History) Phase {
	at := PhaseCreated
	returned, stops, removes := false, 0, 0
	for _, e := range h.Events {
		switch {
		case e.Kind == model.Call && e.Op == model.OpStart:
			if at == PhaseCreated {
				at = PhaseAsked
			}
		case e.Kind == model.Return && e.Op == model.OpStart && e.Err == "":
			returned = true
		case e.Kind == model.Call && e.Op == model.OpStop:
			stops++
		case e.Kind == model.Return && e.Op == model.OpStop:
			stops--
		case e.Kind == model.Call && e.Op == model.OpRemove:
			removes++
		case e.Kind == model.Return && e.Op == model.OpRemove:
			removes--
		case e.Kind == model.TaskCreated:
			at = PhaseTask
		case e.Kind == model.Exited:
			at = PhaseEnded
		case e.Kind == model.Stored && e.Status.State() == model.StateExited:
			at = PhaseExited
		}
	}
	switch {
	case removes > 0:
		return PhaseRemoving
	case at == PhaseExited || at == PhaseEnded:
		return at
	case stops > 0 && returned:
		return PhaseStopping
	case returned:
		return PhaseRunning
	}
	return at
}
