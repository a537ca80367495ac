package scenarios_test

import (
	"testing"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
)

// BenchmarkReference measures executions of the reference, as a search runs
// them.
func BenchmarkReference(b *testing.B) {
	for _, text := range []string{"start|exit|remove", scenarios.DefaultWorkload} {
		b.Run(text, func(b *testing.B) {
			r := sim.Search(sim.Options{Name: text, Executions: b.N, SelfCheck: -1}, scenarios.Body(scenarios.Reference, parse(b, text)))
			if r.Err != nil || r.Found != nil {
				b.Fatal(r.Err, r.Found)
			}
			b.ReportMetric(float64(r.Executions)/r.Elapsed.Seconds(), "exec/s")
			b.ReportMetric(float64(r.Points)/float64(r.Executions), "points/exec")
		})
	}
}
