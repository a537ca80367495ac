package schedule

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// plenty is a budget that no program here needs.
const plenty = 100_000

// findFailing is a random walk until p fails.
func findFailing(t require.TestingT, p *program, seed uint64) Schedule {
	r := rand.New(rand.NewPCG(seed, 0))
	for range 100_000 {
		s := Schedule{Label: "walk", Choices: make([]uint32, 200)}
		for i := range s.Choices {
			s.Choices[i] = r.Uint32N(4)
		}
		if taken, same := p.attempt(s); same {
			return taken
		}
	}
	require.Fail(t, "no failing schedule")
	return Schedule{}
}

// Each program's smallest failing schedules are known.
func TestShrinkToKnownMinimum(t *testing.T) {
	tests := []struct {
		name string
		p    program
		want size
	}{
		{
			name: "fails always",
			p:    program{steps: []int{5, 5}, failed: func([]step, map[step]int) bool { return true }},
			want: size{},
		},
		{
			// One preemption of goroutine 0 after its step 3, and goroutine 1 may run on.
			name: "one preemption",
			p: program{steps: []int{8, 8}, failed: func(trace []step, _ map[step]int) bool {
				return before(trace, step{0, 3}, step{1, 2}, step{0, 4})
			}},
			want: size{deviations: 1, sum: 1, length: 5},
		},
		{
			// There and back again, twice.
			name: "four preemptions",
			p: program{steps: []int{8, 8}, failed: func(trace []step, _ map[step]int) bool {
				return before(trace, step{0, 3}, step{1, 0}, step{0, 4}, step{1, 1}, step{0, 5})
			}},
			want: size{deviations: 3, sum: 3, length: 7},
		},
		{
			// Goroutine 2 is the second alternative of goroutine 0.
			name: "third goroutine",
			p: program{steps: []int{6, 6, 6}, failed: func(trace []step, _ map[step]int) bool {
				return before(trace, step{0, 0}, step{2, 5}, step{0, 1}, step{1, 0})
			}},
			want: size{deviations: 1, sum: 2, length: 2},
		},
		{
			name: "drawn value",
			p: program{
				steps: []int{4, 4}, data: map[step]int{{0, 2}: 4, {1, 1}: 4},
				failed: func(_ []step, drawn map[step]int) bool { return drawn[step{0, 2}] >= 2 },
			},
			want: size{deviations: 1, sum: 2, length: 4},
		},
		{
			// A large value is found by bisection.
			name: "large drawn value",
			p: program{
				steps: []int{4}, data: map[step]int{{0, 1}: 1000, {0, 2}: 3},
				failed: func(_ []step, drawn map[step]int) bool { return drawn[step{0, 1}] >= 37 && drawn[step{0, 2}] > 0 },
			},
			want: size{deviations: 2, sum: 38, length: 2},
		},
		{
			// A fault, and a preemption after it.
			name: "fault and preemption",
			p: program{
				steps: []int{8, 8}, data: map[step]int{{0, 1}: 3, {0, 5}: 3, {1, 3}: 3},
				failed: func(trace []step, drawn map[step]int) bool {
					return before(trace, step{0, 4}, step{1, 7}, step{0, 5}) && drawn[step{0, 1}] == 2
				},
			},
			want: size{deviations: 2, sum: 3, length: 7},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := test.p
			for seed := range uint64(20) {
				var failing Schedule
				if p.steps[0] == 4 && len(p.steps) == 1 {
					failing = Schedule{Choices: []uint32{988, 2}}
				} else {
					failing = findFailing(t, &p, seed)
				}
				p.runs = 0
				best, stats := Shrink(failing, p.attempt, plenty)
				assert.Equal(t, p.runs, stats.Attempts)
				assert.True(t, stats.Reproduced)
				assert.False(t, stats.Exhausted)
				assert.Equal(t, test.want, best.size(), "seed %d: %v shrunk to %v", seed, failing.Choices, best.Choices)
				assert.Equal(t, failing.size().deviations, stats.Before)
				assert.Equal(t, test.want.deviations, stats.After)
				assert.Equal(t, failing.Label, best.Label)
				for i, necessary := range Necessary(best, p.attempt) {
					assert.True(t, necessary, "deviation %d", i)
				}
				assert.Less(t, stats.Attempts, 600)
			}
		})
	}
}

// What a random walk took over hundreds of steps becomes two preemptions with
// few executions. Without gathering turns first, 2000 are not enough.
func TestShrinkGathersTurns(t *testing.T) {
	p := program{steps: []int{400, 400}, failed: func(trace []step, _ map[step]int) bool {
		return before(trace, step{0, 200}, step{1, 190}, step{0, 201}, step{1, 300})
	}}
	r := rand.New(rand.NewPCG(1, 0))
	for found := 0; found < 5; {
		s := Schedule{Choices: make([]uint32, 800)}
		for i := range s.Choices {
			s.Choices[i] = r.Uint32N(8) / 7
		}
		failing, same := p.attempt(s)
		if !same {
			continue
		}
		found++
		require.Greater(t, len(failing.Deviations()), 50)
		best, stats := Shrink(failing, p.attempt, 200)
		assert.Equal(t, []Deviation{{201, 1}, {392, 1}}, best.Deviations())
		assert.False(t, stats.Exhausted)
	}
}

func TestGathered(t *testing.T) {
	// A runs before 3, then B 2 decisions, A 1, B 4, A 5, and B from 15 on.
	window := []Deviation{{3, 1}, {5, 1}, {6, 1}, {10, 1}, {15, 1}, {20, 1}}
	got, ok := gathered(window, 0, 4, true) // B 6, A 6
	assert.True(t, ok)
	assert.Equal(t, []Deviation{{3, 1}, {9, 1}, {15, 1}, {20, 1}}, got)
	got, ok = gathered(window, 0, 4, false) // A 6, B 6, and on
	assert.True(t, ok)
	assert.Equal(t, []Deviation{{9, 1}, {20, 1}}, got)
	got, ok = gathered(window, 0, 3, true) // B 6, A 1, and on
	assert.True(t, ok)
	assert.Equal(t, []Deviation{{3, 1}, {9, 1}, {15, 1}, {20, 1}}, got)
	_, ok = gathered(window, 2, 4, true)
	assert.False(t, ok, "no deviation after the window")
}

// The shrinker must be able to fail: an Attempt that only accepts what it was
// given leaves everything as it is.
func TestShrinkCanary(t *testing.T) {
	s := Schedule{Choices: []uint32{0, 2, 0, 1, 3}}
	best, stats := Shrink(s, func(candidate Schedule) (Schedule, bool) {
		return candidate, candidate.Compare(s) == 0
	}, plenty)
	assert.Equal(t, s, best)
	assert.Zero(t, stats.Successes)
	assert.Greater(t, stats.Attempts, 10)
	assert.False(t, stats.Exhausted)
}

func TestShrinkNotReproduced(t *testing.T) {
	s := Schedule{Choices: []uint32{1, 1}, Hash: 9}
	best, stats := Shrink(s, func(candidate Schedule) (Schedule, bool) { return candidate, false }, plenty)
	assert.Equal(t, s, best)
	assert.Equal(t, ShrinkStats{Attempts: 1, Before: 2, After: 2}, stats)
}

// An Attempt that says it took something larger does not lead astray.
func TestShrinkOnlyAcceptsSmaller(t *testing.T) {
	s := Schedule{Choices: []uint32{1, 1, 1}}
	grown := Schedule{Choices: []uint32{1, 1, 1, 1}}
	best, stats := Shrink(s, func(Schedule) (Schedule, bool) { return grown, true }, plenty)
	assert.Equal(t, s, best)
	assert.True(t, stats.Reproduced)
	assert.Zero(t, stats.Successes)
}

// The result carries the hash of its own execution, not the one of the start.
func TestShrinkTakesHash(t *testing.T) {
	p := program{steps: []int{3, 3}, hash: 77, failed: func([]step, map[step]int) bool { return true }}
	best, _ := Shrink(Schedule{Choices: []uint32{1}, Hash: 5}, p.attempt, plenty)
	assert.Equal(t, Schedule{Hash: 77}, best)
}

func TestShrinkBudget(t *testing.T) {
	p := program{steps: []int{8, 8}, failed: func(trace []step, _ map[step]int) bool {
		return before(trace, step{0, 3}, step{1, 0}, step{0, 4}, step{1, 1}, step{0, 5})
	}}
	failing := findFailing(t, &p, 1)
	_, full := Shrink(failing, p.attempt, plenty)
	last := failing.size()
	for budget := range full.Attempts {
		p.runs = 0
		best, stats := Shrink(failing, p.attempt, budget)
		require.Equal(t, budget, p.runs)
		require.Equal(t, budget, stats.Attempts)
		require.True(t, stats.Exhausted)
		require.LessOrEqual(t, best.size().deviations, last.deviations, "more budget, worse result")
		last = best.size()
	}
	_, stats := Shrink(failing, p.attempt, full.Attempts)
	assert.False(t, stats.Exhausted)
}

func TestNecessary(t *testing.T) {
	p := program{steps: []int{6, 6}, failed: func(trace []step, _ map[step]int) bool {
		return before(trace, step{0, 1}, step{1, 0}, step{0, 2})
	}}
	s := Schedule{Choices: []uint32{0, 0, 1, 1, 1}}
	assert.Equal(t, []bool{true, false, false}, Necessary(s, p.attempt))
	assert.Empty(t, Necessary(Schedule{}, p.attempt))
}

// Any program and any failure that depends on the order of a few steps.
func TestShrinkProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(1, 6), 2, 4).Draw(t, "steps")
		anyStep := rapid.Custom(func(t *rapid.T) step {
			g := rapid.IntRange(0, len(steps)-1).Draw(t, "goroutine")
			return step{g, rapid.IntRange(0, steps[g]-1).Draw(t, "number")}
		})
		order := rapid.SliceOfN(anyStep, 2, 5).Draw(t, "order")
		p := &program{steps: steps, hash: 1, failed: func(trace []step, _ map[step]int) bool { return before(trace, order...) }}
		s, same := p.attempt(Schedule{Choices: rapid.SliceOfN(rapid.Uint32Range(0, 3), 0, 40).Draw(t, "choices")})
		if !same {
			t.Skip("does not fail")
		}
		budget := rapid.IntRange(0, 300).Draw(t, "budget")
		p.runs = 0
		best, stats := Shrink(s, p.attempt, budget)
		if p.runs > budget || stats.Attempts != p.runs {
			t.Fatalf("%d runs, stats say %d, budget %d", p.runs, stats.Attempts, budget)
		}
		taken, same := p.attempt(best)
		if !same || taken.Compare(best) != 0 {
			t.Fatalf("%v does not fail, or is not what is taken: %v", best, taken)
		}
		if best.Compare(s) > 0 {
			t.Fatalf("%v is larger than %v", best, s)
		}
		if again, _ := Shrink(s, p.attempt, budget); again.Compare(best) != 0 {
			t.Fatalf("%v the first time, then %v", best, again)
		}
		if !stats.Exhausted {
			for i, necessary := range Necessary(best, p.attempt) {
				if !necessary {
					t.Fatalf("deviation %d of %v can go", i, best.Choices)
				}
			}
		}
	})
}
