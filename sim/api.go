package sim

import (
	"fmt"
	"unsafe"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// Choose returns a value in [0, n), picked by the oracle that also picks the
// next goroutine; schedules contain it. 0 is the tame choice, the one that a
// shrunk schedule consists of. Outside of a controlled execution it returns 0.
func Choose(label string, n int) int {
	if n < 1 {
		panic(fmt.Sprintf("sim.Choose(%q, %d): nothing to choose from", label, n))
	}
	return ctl.Choose(n, label)
}

// Point is a named scheduling point: other goroutines may run before it
// returns. The object, which may be nil, is printed behind the label. Outside
// of a controlled execution it does nothing.
func Point(label string, object any) {
	if object != nil && ctl.Logging() {
		ctl.Quietly(func() { label = fmt.Sprint(label, " ", object) })
	}
	ctl.Point(unsafe.Pointer(nil), label)
}

// Go starts fn in a goroutine that reports show under the given name.
func Go(name string, fn func()) {
	go func() {
		if ctl.Logging() {
			ctl.Note(ctl.KName, name)
		}
		fn()
	}()
}

// Logf adds a line to what reports show of the calling goroutine. It is no
// scheduling point. Outside of a controlled execution it does nothing.
func Logf(format string, args ...any) {
	if ctl.Logging() {
		note(format, args...)
	}
}

func note(format string, args ...any) {
	var text string
	ctl.Quietly(func() { text = fmt.Sprintf(format, args...) })
	ctl.Note(ctl.KNote, text)
}

// Quietly calls f, whose operations are no scheduling points: nobody runs in
// between, unless f blocks. It is for the bookkeeping of tests, whose
// interleavings are of no interest.
func Quietly(f func()) { ctl.Quietly(f) }

// OnTime ends early timers for the rest of the execution, see
// Config.EarlyTimers: the machine is fast from now on. It is for the phase of a
// test in which everything has to come to rest.
func OnTime() { ctl.OnTime() }

// Points returns how many points the execution has passed: what a test may bound
// that time does not, since an hour passes at once when nobody does anything.
// Outside of a controlled execution it returns 0.
func Points() int { return int(ctl.Points()) }

// Controlled reports whether the caller runs inside of a controlled execution.
func Controlled() bool { return ctl.Controlled() }
