// Package simrapid draws schedules from the bit stream of pgregory.net/rapid.
// What a property draws beside them, as how many goroutines there are and what
// they do, is then shrunk together with the schedule under which it fails:
//
//	rapid.Check(t, func(rt *rapid.T) {
//		n := rapid.IntRange(2, 5).Draw(rt, "goroutines")
//		res := sim.Run(simrapid.Config(rt, sim.Config{}), func(t *sim.T) { work(t, n) })
//		if res.Failure != nil {
//			rt.Fatalf("%s: %s", res.Schedule.Token(), res.Failure.Detail)
//		}
//	})
//
// Where there is no workload to draw, [sim.Explore] searches and shrinks better.
package simrapid

import (
	"pgregory.net/rapid"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

const (
	maxDeviations = 24
	maxGap        = 63 // decisions between two of them
	maxChoice     = 4
)

// deviation is a choice other than the first one, so many decisions after the
// last.
type deviation struct{ After, Choice int }

// Config returns cfg with a schedule that is drawn: deviations from the default
// schedule, which shrink to few and early ones. A deviation that asks for more
// alternatives than there are is none.
func Config(t *rapid.T, cfg sim.Config) sim.Config {
	one := rapid.Custom(func(t *rapid.T) deviation {
		return deviation{rapid.IntRange(0, maxGap).Draw(t, "after"), rapid.IntRange(1, maxChoice).Draw(t, "choice")}
	})
	var choices []uint32
	for _, d := range rapid.SliceOfN(one, 0, maxDeviations).Draw(t, "deviations") {
		choices = append(choices, make([]uint32, d.After+1)...)
		choices[len(choices)-1] = uint32(d.Choice)
	}
	cfg.Plan = strategy.Replay{Choices: choices}.At(0)
	return cfg
}
