package scenarios

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/log"
	"github.com/sirupsen/logrus"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/sim"
)

const sigterm = syscall.SIGTERM

// Body returns an execution of w against v on the fake containerd, for Search
// and its relatives of package sim. Violations of the invariants of package
// model fail it, with the ID of the first one; so does a call that never
// returns (deadlock), and a goroutine that outlives Close (leak).
//
// The set-up creates the container and always succeeds. Each operation is a
// goroutine of its own. An exit happens once a process was started, or while it
// is only created, at any later point. When all have returned, faults end, now
// or 10 s later; the service gets an hour to come to rest, in virtual time; its
// view is compared with the truth; and then Stop and Remove have to succeed. An
// execution ends after the first of these phases that shows a violation.
func Body(v Variant, w Workload) func(*sim.T) { return body(v, w, model.Check) }

func body(v Variant, w Workload, check func(model.History) []model.Violation) func(*sim.T) {
	return func(t *sim.T) {
		var x *execution
		sim.Quietly(func() { x = newExecution(t, v, w) }) // its interleavings are of no interest
		var h model.History
		var found []model.Violation
		for _, phase := range []func(){x.run, x.heal, x.probe} {
			phase()
			h = x.rec.history(x.id)
			if found = check(h); len(found) > 0 {
				break
			}
		}
		if err := x.service.Close(); err != nil {
			t.Errorf("close the service: %v", err)
		}
		report(t, h, found)
	}
}

// execution is one run of a workload.
type execution struct {
	driver
	t          *sim.T
	ctx        context.Context
	workload   Workload
	containerd *fakes.Containerd
}

func newExecution(t *sim.T, v Variant, w Workload) *execution {
	x := &execution{
		t: t, workload: w, ctx: log.WithLogger(context.Background(), newLogger()),
		driver: driver{rec: newRecorder(model.Simulated)},
	}
	var faults *fakes.Faults // nil unless there are any: their lock is one more thing to race for
	if w.Faults > 0 {
		faults = &fakes.Faults{Budget: w.Faults, Calls: w.faultCalls()}
		faults.Hold()
	}
	opts := fakes.Options{Record: x.rec.add, Faults: faults, EventLoss: w.Loss}
	x.containerd = fakes.New(opts)
	client, err := x.containerd.Client()
	if err != nil {
		t.Fatal(err)
	}
	ids := 0
	x.service, err = v.New(x.ctx, variants.Env{
		Client:      client,
		Checkpoints: fakes.NewCheckpoints(opts),
		NewID: func() string { // called by the set-up only
			ids++
			return fmt.Sprintf("c-%d", ids)
		},
	})
	if err != nil {
		t.Fatalf("make the service: %v", err)
	}
	if err := x.create(x.ctx, "c", "/rootfs", []string{initproc.Path}, w); err != nil {
		t.Fatal(err)
	}
	if faults != nil {
		faults.Release()
	}
	return x
}

// run makes the operations happen and waits for them.
func (x *execution) run() {
	var calls, exits sync.WaitGroup
	ctx, allReturned := context.WithCancel(x.ctx)
	for i, name := range x.workload.names() {
		op := x.workload.Ops[i]
		if op.Kind == Exit {
			exits.Add(1)
			sim.Go(name, func() {
				defer exits.Done()
				x.exit(ctx, op)
			})
			continue
		}
		calls.Add(1)
		sim.Go(name, func() {
			defer calls.Done()
			_ = x.do(x.ctx, op, false) // an error is part of the history
		})
	}
	calls.Wait()
	allReturned()
	exits.Wait()
}

// exit ends the process, if there is one before all calls have returned.
func (x *execution) exit(ctx context.Context, op Op) {
	wait := x.containerd.WaitStarted
	if sim.Choose("exit before the start", 2) == 1 {
		wait = x.containerd.WaitLive
	}
	if wait(ctx, x.id) == nil {
		x.containerd.Exit(x.id, uint32(op.Code))
	}
}

// restTime is what the service gets to come to rest.
const restTime = time.Hour

// heal ends all faults, a slow machine among them, and records the view at rest.
func (x *execution) heal() {
	if x.workload.Faults > 0 && sim.Choose("faults go on", 2) == 1 {
		time.Sleep(10 * time.Second)
	}
	if x.workload.Faults > 0 || x.workload.Loss {
		x.containerd.StopFaults()
	}
	sim.OnTime()
	time.Sleep(restTime)
	e, err := x.settled(x.ctx)
	if err != nil {
		x.t.Error(err)
		return
	}
	e.Alive = x.containerd.Live(x.id)
	x.tell(e)
}

// probeTries is how often a probe is made: the first ones may meet what is
// still being cleaned up.
const probeTries = 3

// probe stops and removes the container.
func (x *execution) probe() {
	for _, kind := range []OpKind{Stop, Remove} {
		for try := range probeTries {
			if x.do(x.ctx, Op{Kind: kind}, try == probeTries-1) == nil {
				break
			}
			time.Sleep(restTime)
		}
	}
}

// report fails t with what was found in h.
func report(t *sim.T, h model.History, found []model.Violation) {
	for i, v := range found {
		text := Describe(v)
		if i == 0 {
			text += "\n" + strings.TrimRight(h.String(), "\n")
		}
		t.Violatef(v.Invariant, "%s", text)
	}
}

// Describe says in two lines what a violation is, and which sentence it breaks.
func Describe(v model.Violation) string {
	for _, inv := range model.Invariants {
		if inv.ID == v.Invariant {
			return fmt.Sprintf("%s (%s) at %d: %s\n%s", inv.ID, inv.Name, v.Event, v.Message, inv.Sentence)
		}
	}
	return v.String()
}

// newLogger makes what a service logs part of the report and of nothing else.
func newLogger() *log.Entry {
	l := logrus.New()
	l.SetOutput(io.Discard)
	l.SetLevel(logrus.WarnLevel)
	l.AddHook(logHook{})
	return logrus.NewEntry(l)
}

type logHook struct{}

func (logHook) Levels() []logrus.Level { return logrus.AllLevels }

func (logHook) Fire(e *logrus.Entry) error {
	if err, ok := e.Data[logrus.ErrorKey]; ok {
		sim.Logf("log: %s: %v", e.Message, err)
	} else {
		sim.Logf("log: %s", e.Message)
	}
	return nil
}
