//go:build race

package sim

import "runtime"

const raceEnabled = true

// raceErrors is the number of data races that the race detector has reported.
func raceErrors() int { return runtime.RaceErrors() }
