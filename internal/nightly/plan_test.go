package nightly

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios"
)

var both = scenarios.Breaks{Daemon: true, Shims: true}

func TestDrawIsAFunction(t *testing.T) {
	for round := 1; round <= 20; round++ {
		p := Draw(7, round, 5, both)
		assert.Equal(t, p, Draw(7, round, 5, both))
		assert.NotEqual(t, p.Seed, Draw(8, round, 5, both).Seed)
		assert.Equal(t, round, p.Round)
		require.Len(t, p.Workloads, 5)
		more := Draw(7, round, 6, both)
		assert.Equal(t, p.Workloads, more.Workloads[:5], "one more container changes no other")
		none := Draw(7, round, 5, scenarios.Breaks{})
		assert.Equal(t, scenarios.Breaks{}, none.Breaks)
		assert.Equal(t, p.Workloads, none.Workloads, "the faults change no workload")
	}
}

// In a few rounds everything is met, and missing, that a round may have.
func TestDrawCoversAll(t *testing.T) {
	breaks := map[scenarios.Breaks]int{}
	with, without := map[scenarios.OpKind]int{}, map[scenarios.OpKind]int{}
	ignores := 0
	for round := 1; round <= 100; round++ {
		p := Draw(1, round, 8, both)
		breaks[p.Breaks]++
		used := map[scenarios.OpKind]bool{}
		for _, w := range p.Workloads {
			parsed, err := scenarios.ParseWorkload(w.String())
			require.NoError(t, err)
			assert.Equal(t, w, parsed)
			assert.True(t, slices.ContainsFunc(w.Ops, func(o scenarios.Op) bool { return o.Kind == scenarios.Start }))
			for _, op := range w.Ops {
				used[op.Kind] = true
			}
			if w.IgnoreTerm {
				ignores++
			}
		}
		for _, kind := range []scenarios.OpKind{scenarios.Stop, scenarios.Remove, scenarios.Status, scenarios.Exit} {
			if used[kind] {
				with[kind]++
			} else {
				without[kind]++
			}
		}
	}
	assert.Len(t, breaks, 4, "%v", breaks)
	for b, n := range breaks {
		assert.Greater(t, n, 10, "%v", b)
	}
	assert.Len(t, with, 4)
	assert.Len(t, without, 4)
	for kind, n := range without {
		assert.Greater(t, n, 20, "%s is missing too rarely", kind)
		assert.Greater(t, with[kind], 20, "%s is there too rarely", kind)
	}
	assert.Positive(t, ignores)
}

// The parts have all rounds, each once.
func TestNumber(t *testing.T) {
	var all []int
	const parts, each = 3, 4
	for index := range parts {
		for k := range each {
			all = append(all, number(k, index, parts))
		}
	}
	slices.Sort(all)
	for i, round := range all {
		assert.Equal(t, i+1, round)
	}
	assert.Equal(t, 5, number(4, 0, 0), "no parts are one")
}

func TestOver(t *testing.T) {
	rounds := func(s *session) (all []int) {
		for k := 0; ; k++ {
			round := number(k, s.opts.Shard.Index, s.opts.Shard.Of)
			if s.opts.Only > 0 {
				round = s.opts.Only
			}
			if s.over(k, round) {
				return all
			}
			all = append(all, round)
		}
	}
	assert.Equal(t, []int{1, 2, 3}, rounds(&session{opts: Options{Rounds: 3}}))
	shard := Options{Rounds: 7}
	shard.Shard.Index, shard.Shard.Of = 1, 3
	assert.Equal(t, []int{2, 5}, rounds(&session{opts: shard}))
	assert.Equal(t, []int{9, 9}, rounds(&session{opts: Options{Only: 9, Rounds: 2}}))
	assert.Empty(t, rounds(&session{opts: Options{Duration: 1, Rounds: 3}}), "the time is over")
	interrupt := make(chan struct{})
	close(interrupt)
	assert.Empty(t, rounds(&session{opts: Options{Rounds: 3, Interrupt: interrupt}}))
}
