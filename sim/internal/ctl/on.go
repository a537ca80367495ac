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

// ID is the number of the calling goroutine in its execution, 0 outside.
func ID() uint32

// Controlled tells whether the caller runs in a controlled execution.
func Controlled() bool

// OnTime ends early timers for the current execution.
func OnTime()

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
