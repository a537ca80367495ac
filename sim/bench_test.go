package sim

import (
	"testing"

	"github.com/startrace/startrace/sim/internal/bench"
	"github.com/startrace/startrace/sim/strategy"
)

func BenchmarkRandomWalk(b *testing.B) { benchmark(b, strategy.RandomWalk{}) }

func BenchmarkPCT(b *testing.B) { benchmark(b, strategy.PCT{Depth: 3}) }

// BenchmarkUncontendedOutside is a lock outside of executions. Its twin is
// BenchmarkUncontended in internal/bench.
func BenchmarkUncontendedOutside(b *testing.B) { bench.Uncontended(b) }

// benchmark measures executions as a search runs them. The plain twins of the
// programs are in internal/bench.
func benchmark(b *testing.B, s strategy.Strategy) {
	for _, rounds := range bench.Rounds {
		b.Run(bench.Name(rounds), func(b *testing.B) {
			r := newRunner(nil, func(t *T) {
				if got, want := bench.Lock(rounds), bench.Goroutines*rounds; got != want {
					t.Errorf("the sum is %d, not %d", got, want)
				}
			})
			seed := uint64(0)
			bench.Measure(b, func() int {
				seed++
				res := r.glance(Config{Plan: s.At(0), Seed: seed})
				if res.Failure != nil {
					b.Fatal(res.Failure.Title)
				}
				return res.Points
			})
		})
	}
}
