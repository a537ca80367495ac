package programs_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/startrace/startrace/internal/shrinktest"
	"github.com/startrace/startrace/internal/soak"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/internal/programs"
)

// TestShrink shrinks random failures of all programs; package scenarios does
// the same with 40 of the variants.
func TestShrink(t *testing.T) {
	n := 160
	if sim.RaceEnabled || testing.Short() {
		n = 60
	}
	o := shrinktest.Shrink(t, toShrink(), soak.Times(n))
	t.Log(o)
	assert.LessOrEqual(t, o.MedianTries(), 100)
}

func BenchmarkShrink(b *testing.B) { shrinktest.Benchmark(b, toShrink()) }

func toShrink() (all []shrinktest.Program) {
	for _, p := range programs.All() {
		all = append(all, shrinktest.Program{
			Name: p.Name, Depths: map[string]int{"": p.Depth},
			Body: func(t *sim.T) { p.Run(func(text string) { t.Error(text) }) },
		})
	}
	return all
}
