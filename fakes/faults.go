package fakes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/containerd/errdefs"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/sim"
)

// Faults makes calls fail. Up to Budget faults are left to sim.Choose, which
// decides call by call; further ones are scripted with Fail. The zero value
// fails nothing. Set the fields before first use; the methods are safe for
// concurrent use.
//
// A call is named as its scheduling points are: "tasks.Create", "tasks.Start",
// "tasks.Kill", "tasks.Delete", "tasks.Get", "tasks.Wait", "tasks.List",
// "containers.Create", "containers.Get", "containers.Delete", "events.Publish",
// "leases.Create", "checkpoint.Write", "checkpoint.Remove" and so on.
type Faults struct {
	// Budget is the maximum number of chosen faults in a run.
	Budget int
	// Calls are the calls that may get a chosen fault; nil: all.
	Calls []string
	// Classes are the errors to choose from; nil: ErrUnavailable,
	// context.DeadlineExceeded and ErrUnknown. Calls on the checkpoint store
	// always fail with EIO.
	Classes []error

	// Plan is what goes wrong besides, in the grammar of package failpoint.
	Plan failpoint.Plan
	// Swarm draws for each rule of Plan and each run a weight of its
	// percentages, of which one is 0: that rule is off.
	Swarm bool
	// Choose draws in place of sim.Choose: uniformly from [0, n), in a run that
	// no simulation controls. Nil: sim.Choose, with which all is tame there.
	Choose func(label string, n int) int

	mu       sync.Mutex
	plan     planState
	counts   map[string]int
	script   []Fault
	chosen   int
	injected []Fault
	held     bool
	stopped  bool
	stalled  chan struct{} // closed by Stop; nil if nothing is stalled
}

// Fault is one failure of one call.
type Fault struct {
	Call   string
	Nth    int    // which call of that name, from 1
	Object string // what the call was about: a container id or a topic
	Err    error  // what the caller gets; gRPC callers get it as a status
	After  bool   // the call took effect nevertheless
}

// String describes the fault for reports.
func (f Fault) String() string {
	side := "before"
	if f.After {
		side = "after"
	}
	return fmt.Sprintf("%s %s (call %d) fails %s its effect: %v", f.Call, f.Object, f.Nth, side, f.Err)
}

// Fail makes the nth call of that name, counted from 1 over all objects, fail
// with err, after its effect or instead of it. Scripted faults do not count
// against the budget.
func (f *Faults) Fail(call string, nth int, err error, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = append(f.script, Fault{Call: call, Nth: nth, Err: err, After: after})
}

// Hold keeps all calls from failing, and from being counted, until Release: for
// a set-up that has to succeed.
func (f *Faults) Hold() { f.hold(true) }

// Release ends Hold.
func (f *Faults) Release() { f.hold(false) }

func (f *Faults) hold(held bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = held
}

// Stop ends all faults for good, scripted ones included. A nil receiver has none.
func (f *Faults) Stop() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	if f.stalled != nil {
		close(f.stalled)
		f.stalled = nil
	}
}

// calm returns what closes when the faults are stopped.
func (f *Faults) calm() (calm <-chan struct{}) {
	sim.Quietly(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.stalled == nil {
			f.stalled = make(chan struct{})
			if f.stopped {
				close(f.stalled)
			}
		}
		calm = f.stalled
	})
	return calm
}

// Injected returns the faults that happened, in order.
func (f *Faults) Injected() []Fault {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.injected)
}

// next counts a call and returns its fault, or nil.
func (f *Faults) next(call, object string) *Fault {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped || f.held {
		return nil
	}
	if f.counts == nil {
		f.counts = map[string]int{}
	}
	f.counts[call]++
	fault := f.scripted(call)
	if fault == nil {
		fault = f.pick(call)
	}
	if fault == nil {
		return nil
	}
	fault.Nth, fault.Object = f.counts[call], object
	f.injected = append(f.injected, *fault)
	sim.Logf("fault: %v", *fault)
	return fault
}

func (f *Faults) scripted(call string) *Fault {
	for _, s := range f.script {
		if s.Call == call && s.Nth == f.counts[call] {
			return &s
		}
	}
	return nil
}

// pick offers no fault first, then each class instead of the effect, then
// each after it. A call that changes nothing has no two sides.
func (f *Faults) pick(call string) *Fault {
	if f.chosen >= f.Budget || f.Calls != nil && !slices.Contains(f.Calls, call) {
		return nil
	}
	classes := f.Classes
	switch {
	case strings.HasPrefix(call, "checkpoint."):
		classes = []error{syscall.EIO}
	case classes == nil:
		classes = []error{errdefs.ErrUnavailable, context.DeadlineExceeded, errdefs.ErrUnknown}
	}
	n := 1 + 2*len(classes)
	if readOnly(call) {
		n = 1 + len(classes)
	}
	v := f.draw("fault "+call, n)
	if v == 0 {
		return nil
	}
	f.chosen++
	class, after := (v-1)%len(classes), v > len(classes)
	return &Fault{Call: call, Err: fmt.Errorf("injected fault: %w", classes[class]), After: after}
}

// readOnly reports whether a call changes nothing and returns at once.
func readOnly(call string) bool {
	_, method, _ := strings.Cut(call, ".")
	switch method {
	case "Get", "List", "ListPids", "Metrics", "Labels", "Read":
		return true
	}
	return false
}
