//go:build !startrace_overlay

package main

// run is not reached: without the controlled runtime the program has been
// replaced. Leaving out what it would need makes it quick to build.
func run() {}
