//go:build !startrace_overlay

package ctl

import "unsafe"

// Available tells whether this binary has the controlled runtime.
const Available = false

// ID is the number of the calling goroutine in its execution, 0 outside.
func ID() uint32 { return 0 }

// Controlled tells whether the caller runs in a controlled execution.
func Controlled() bool { return false }

// Run panics: there is no controlled runtime in this binary.
func Run(*Config, func()) {
	panic("startrace: this binary was built without the controlled runtime; call sim.Main from TestMain, or use startrace test")
}

// Progress returns 0: there is no execution.
func Progress() uint64 { return 0 }

// Points returns 0: there is no execution.
func Points() uint64 { return 0 }

// Hanging returns nothing: there is no execution.
func Hanging() ([]Hung, []uint32, uint64) { return nil, nil, 0 }

// Logging tells whether the current execution keeps a log.
func Logging() bool { return false }

// Point does nothing.
func Point(unsafe.Pointer, string) {}

// Choose returns 0.
func Choose(int, string) int { return 0 }

// Note does nothing.
func Note(uint8, string) {}

// OnTime does nothing.
func OnTime() {}

// Quietly calls f.
func Quietly(f func()) { f() }

// Bubble panics like Run.
func Bubble(f func()) { Run(nil, f) }

// Reason returns "".
func Reason(uint32) string { return "" }
