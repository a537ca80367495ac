//go:build race

package sim

import "runtime"

// RaceEnabled tells whether this binary has the race detector.
const RaceEnabled = true

// raceErrors is the number of data races that the race detector has reported.
func raceErrors() int { return runtime.RaceErrors() }
