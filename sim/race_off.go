//go:build !race

package sim

const raceEnabled = false

func raceErrors() int { return 0 }
