// Package search looks for the fault of a mutant, blindly: it is the half of
// package mutants that runs in the program with the mutants, under the controlled
// runtime, one mutant in a process.
package search

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/startrace/startrace/internal/mutants"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/sim"
)

// New makes the service of a mutant.
type New = func(ctx context.Context, env variants.Env) (scenarios.Service, error)

// Run does what the request in the environment says.
func Run(t *testing.T, news map[string]New) {
	var r mutants.Request
	if err := json.Unmarshal([]byte(os.Getenv(mutants.Variable)), &r); err != nil {
		t.Fatalf("%s: %v", mutants.Variable, err)
	}
	v := scenarios.Reference
	v.Name, v.New = r.Mutant, news[r.Mutant]
	if v.New == nil {
		t.Fatalf("there is no mutant %q in this program", r.Mutant)
	}
	result, err := json.Marshal(search(v, r))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.Result, result, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rounds are the parts of the budget after which the search turns to the next
// workload, so that one in which nothing shows costs the others little.
const rounds = 4

// part is how many executions of a budget round i has: each round has three
// times as many as the one before.
func part(budget, i int) int {
	const whole = 1 + 3 + 9 + 27
	shares := [rounds]int{1, 3, 9, 27}
	if i == rounds-1 {
		for j := range i {
			budget -= part(budget, j)
		}
		return budget
	}
	return max(1, budget*shares[i]/whole)
}

// maxPoints bounds an execution, as in the property test of package scenarios.
const maxPoints = 20_000

// search goes through the workloads in rounds until a search fails.
func search(v scenarios.Variant, r mutants.Request) mutants.Result {
	result := mutants.Result{Mutant: v.Name}
	for round := range rounds {
		for _, w := range workloads() {
			shrink := -1
			if r.Shrink {
				shrink = 0
			}
			report := sim.Search(sim.Options{
				Name:       v.Name + "/" + w.String(),
				Executions: part(r.Executions, round),
				Seed:       r.Seed + uint64(round),
				Shrink:     shrink,
				Config:     sim.Config{MaxPoints: maxPoints},
			}, scenarios.Body(v, w))
			result.Executions += report.Executions
			if report.Err != nil {
				result.Err = w.String() + ": " + report.Err.Error()
				return result
			}
			if f := report.Found; f != nil {
				result.By, result.Title, result.Workload = f.Failure.ID, f.Failure.Title, w.String()
				if result.By == "" {
					result.By = string(f.Failure.Kind)
				}
				if r.Shrink {
					result.Text = f.Text(report)
				}
				return result
			}
		}
	}
	return result
}
