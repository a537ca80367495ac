//go:build startrace_overlay

package ctl

import (
	"strings"
	"unsafe"
)

// Available tells whether this binary has the controlled runtime.
const Available = true

func arm(*Config)
func synctestRun(f func())
func current() *Config
func point(kind uint8, obj unsafe.Pointer, label string)
func choose(n uint32, label string) uint32
func note(kind uint8, label string)
func quiet(on bool)
func reasonString(uint32) string
func hung([]Hung) int
func sofar([]uint32) (choices int, points uint64)

// ID is the number of the calling goroutine in its execution, 0 outside.
func ID() uint32

// Controlled tells whether the caller runs in a controlled execution.
func Controlled() bool

// OnTime ends early timers for the current execution.
func OnTime()

// Progress changes whenever the current execution goes on; 0 if there is none.
// It and [Hanging] are for goroutines outside of the execution.
func Progress() uint64

// Points is how many points the current execution has passed. It is for goroutines
// of the execution.
func Points() uint64 {
	_, points := sofar(nil)
	return points
}

// Hanging describes the goroutines of the current execution, of which the caller
// knows that it does not go on, and the choices and points that it has made.
func Hanging() (goroutines []Hung, choices []uint32, points uint64) {
	goroutines = make([]Hung, 1<<12)
	choices = make([]uint32, 1<<20)
	n, points := sofar(choices)
	return goroutines[:hung(goroutines)], choices[:n], points
}

// Run executes f in a controlled bubble. The results of the last run of c are
// cleared; its buffers are used again.
func Run(c *Config, f func()) {
	c.Result = Result{}
	arm(c)
	synctestRun(f)
}

// Bubble runs f in an ordinary bubble, for comparison.
func Bubble(f func()) { synctestRun(f) }

// Logging tells whether the current execution keeps a log.
func Logging() bool {
	c := current()
	return c != nil && len(c.Log) > 0
}

// Point is a scheduling point.
func Point(obj unsafe.Pointer, label string) { point(KPoint, obj, label) }

// Choose asks for a value in [0, n).
func Choose(n int, label string) int { return int(choose(uint32(n), label)) }

// Note adds a line to the log.
func Note(kind uint8, text string) { note(kind, text) }

// Quietly calls f, whose operations are no points.
func Quietly(f func()) {
	quiet(true)
	defer quiet(false)
	f()
}

// Reason names a wait reason.
func Reason(r uint32) string { return strings.TrimSuffix(reasonString(r), " (durable)") }
