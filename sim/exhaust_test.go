package sim

import (
	"testing"

	"github.com/startrace/startrace/sim/internal/bench"
	"github.com/startrace/startrace/sim/strategy"
)

// BenchmarkExhaust exhausts three goroutines that lock twice each. That takes
// (3·2)!/(2!)³ = 90 executions.
func BenchmarkExhaust(b *testing.B) {
	const rounds = 2
	b.Run(bench.Name(rounds), func(b *testing.B) {
		var r Report
		for b.Loop() {
			r = Search(Options{Name: b.Name(), Strategy: strategy.DPOR{}, SelfCheck: -1}, func(t *T) {
				if got, want := bench.Lock(rounds), bench.Goroutines*rounds; got != want {
					t.Errorf("the sum is %d, not %d", got, want)
				}
			})
			if r.Err != nil || r.Found != nil || !r.Exhausted {
				b.Fatal(r)
			}
		}
		b.ReportMetric(float64(r.Executions), "executions")
		b.ReportMetric(float64(r.Wasted), "wasted")
	})
}
