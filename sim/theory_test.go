package sim_test

import (
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// takeTurns reports whether the steps of two goroutines came strictly by turns,
// which takes 2·steps-1 constraints on their order: that is its depth.
func takeTurns(steps int32, report func()) {
	var turn atomic.Int32
	go func() {
		for i := range steps {
			turn.CompareAndSwap(2*i, 2*i+1)
		}
	}()
	go func() {
		for i := range steps {
			if turn.CompareAndSwap(2*i+1, 2*i+2) && i == steps-1 {
				report()
			}
		}
	}()
}

// hits is the share of executions of a search in which they took turns.
func hits(t *testing.T, s strategy.Strategy, steps int32, executions int) float64 {
	t.Helper()
	n := 0
	r := sim.Search(sim.Options{
		Name: t.Name(), Strategy: s, Executions: executions, SelfCheck: -1, Config: sim.Config{EarlyTimers: -1},
	}, func(*sim.T) { takeTurns(steps, func() { n++ }) })
	require.NoError(t, r.Err)
	require.Nil(t, r.Found)
	return float64(n) / float64(executions)
}

// size is how many goroutines and decisions executions have at most.
func size(steps int32) (goroutines, decisions int) {
	for seed := range uint64(1000) {
		r := sim.Run(sim.Config{Plan: strategy.RandomWalk{}.At(0), Seed: seed, EarlyTimers: -1}, func(*sim.T) {
			takeTurns(steps, func() {})
		})
		goroutines, decisions = max(goroutines, r.Goroutines), max(decisions, r.Decisions)
	}
	return goroutines, decisions
}

// TestPCTKeepsItsPromise: what has depth d happens with a probability of at
// least 1/(n·k^(d-1)), for n goroutines and k decisions, and not at all with
// fewer priority changes than it needs.
func TestPCTKeepsItsPromise(t *testing.T) {
	const executions = 20_000
	for steps := int32(1); steps <= 2; steps++ {
		depth := int(2*steps - 1)
		goroutines, decisions := size(steps)
		bound := 1 / (float64(goroutines) * math.Pow(float64(decisions), float64(depth-1)))
		measured := hits(t, strategy.PCT{Depth: depth}, steps, executions)
		t.Logf("depth %d: %.4f, promised are %.4f for %d goroutines and %d decisions", depth, measured, bound, goroutines, decisions)
		assert.GreaterOrEqual(t, measured, bound)
		if depth > 1 {
			assert.Zero(t, hits(t, strategy.PCT{Depth: depth - 1}, steps, executions), "with %d priority changes", depth-2)
		}
	}
}
