//go:build !race

package sim

// RaceEnabled tells whether this binary has the race detector.
const RaceEnabled = false

func raceErrors() int { return 0 }
