package fakes

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// drawn counts what a plan executes at a site in many runs with seeds of their own.
func drawn(t *testing.T, plan string, swarm bool, executions int) (hits []int) {
	t.Helper()
	p := failpoint.MustParse(plan)
	for seed := range executions {
		n := 0
		res := sim.Run(sim.Config{Name: t.Name(), Plan: strategy.Portfolio{}.At(seed), Seed: uint64(seed)}, func(*sim.T) {
			f := &Faults{Plan: p, Swarm: swarm}
			n = 0 // the simulation may execute a body again
			for range 20 {
				if f.evaluate("tasks.Get/before-effect", "c1") != nil {
					n++
				}
			}
		})
		require.Nil(t, res.Failure)
		hits = append(hits, n)
	}
	return hits
}

func TestPercentages(t *testing.T) {
	for percent, tolerance := range map[float64]float64{1: 0.5, 5: 1, 12: 1.5, 30: 5, 50: 5, 90: 5, 100: 0} {
		t.Run(fmt.Sprint(percent), func(t *testing.T) {
			sum := 0
			for _, n := range drawn(t, fmt.Sprintf("tasks.Get=%v%%error(x)", percent), false, 500) {
				sum += n
			}
			assert.InDelta(t, percent, float64(sum)/100, tolerance)
		})
	}
	uniform := &Faults{
		Plan:   failpoint.MustParse("tasks.Get=30%error(x)"),
		Choose: func(_ string, n int) int { return n - n*3/10 },
	}
	assert.NotNil(t, uniform.evaluate("tasks.Get/before-effect", ""), "the lowest value that is a yes")
	uniform.Choose = func(_ string, n int) int { return n - n*3/10 - 1 }
	assert.Nil(t, uniform.evaluate("tasks.Get/before-effect", ""), "the highest value that is a no")
}

// A swarm has runs without a fault, and more of them in others.
func TestSwarm(t *testing.T) {
	const plan = "tasks.Get=50%error(x)"
	none := func(hits []int) (n int) {
		for _, h := range hits {
			if h == 0 {
				n++
			}
		}
		return n
	}
	assert.Zero(t, none(drawn(t, plan, false, 200)), "20 tries of 50 %")
	off := none(drawn(t, plan, true, 200))
	assert.Greater(t, off, 100, "off in most runs")
	assert.Less(t, off, 190, "on in some")
}

// What was drawn is part of the schedule, and the shrinker takes out what a
// failure does not need.
func TestPlansAreShrunk(t *testing.T) {
	plan := failpoint.MustParse("tasks.Start/after-effect=30%error(unavailable);tasks.Kill=30%error(x);tasks.Get=30%delay(1s)")
	report := sim.Search(sim.Options{Name: t.Name(), Executions: 300}, func(t *sim.T) {
		w := newWorld(t, Options{Faults: &Faults{Plan: plan}})
		_, task := w.task(t, "c1")
		failed := task.Start(w.ctx) != nil
		_ = task.Kill(w.ctx, 15)
		status, err := task.Status(w.ctx)
		if failed && err == nil && status.Status != "created" {
			t.Errorf("a Start that failed did start")
		}
	})
	require.NotNil(t, report.Found, "%v", report)
	deviations := 0
	for _, c := range report.Found.Schedule.Choices {
		if c != 0 {
			deviations++
		}
	}
	assert.Equal(t, 1, deviations, "%v", report.Found.Schedule.Choices)
	assert.Contains(t, report.Found.Failure.Title, "a Start that failed did start")
}

// Rules that are added count from then on, before those that were there.
func TestExtend(t *testing.T) {
	f := &Faults{Plan: failpoint.MustParse("tasks.Get=1*error(first)->1*off->error(third)")}
	const site = "tasks.Get/before-effect"
	require.NotNil(t, f.evaluate(site, ""))
	require.Nil(t, f.evaluate(site, ""))
	f.Extend(failpoint.MustParse("tasks.Get=2*error(second)"))
	assert.Equal(t, "error(second)", f.evaluate(site, "").String())
	assert.NotNil(t, f.evaluate(site, ""))
	assert.Equal(t, "error(third)", f.evaluate(site, "").String())
	assert.Panics(t, func() { (&Faults{}).Extend(failpoint.MustParse("tasks.Get=error(x)")) })
}
