package cli

import (
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/internal/results"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
)

// writeResult leaves what a search of variants gave as a result.json in --artifacts, if
// that is set. ending is the error that the command ends with, nil if there is none.
func writeResult(c *cli.Command, variants []scenarios.Variant, w scenarios.Workload, opts sim.Options, started time.Time, outcomes []outcome, ending error) error {
	dir := c.String("artifacts")
	if dir == "" || codeOf(ending) == exitUsage {
		return nil
	}
	r := results.Result{
		Kind: results.Explore, Seed: opts.Seed, Command: strings.Join(slices.Concat([]string{program()}, os.Args[1:]), " "),
		Started: started.UTC(), Ended: time.Now().UTC(), Verdict: resultVerdict(ending),
		Counts: map[string]int64{"executions": 0}, Figures: map[string]float64{},
	}
	if opts.Shard.Of > 0 {
		r.Shard = opts.Shard.String()
	}
	for _, o := range outcomes {
		r.Counts["executions"] += int64(o.Executions)
		r.Counts["distinct"] += int64(o.Distinct)
		r.Figures["seconds"] += o.Seconds
		if o.Verdict == verdictViolated {
			r.Failures = append(r.Failures, results.Failure{
				Signature: o.Name + " " + o.Invariant, Invariant: o.Invariant, Title: o.Name + ": " + o.report.Found.Failure.Title,
				Count: 1, Reproduce: program() + " replay " + o.Token,
			})
		}
	}
	var names []string
	for _, v := range variants {
		names = append(names, v.Name)
	}
	r.Target = strings.Join(names, ", ") + ": " + w.String()
	if err := results.Write(dir, r); err != nil {
		return fail(exitEnvironment, "--artifacts: %w", err)
	}
	return nil
}

// resultVerdict is the verdict of a search that ends with err.
func resultVerdict(err error) results.Verdict {
	switch codeOf(err) {
	case exitExpected:
		return results.Clean
	case exitViolated:
		return results.Violated
	case exitNondeterminism:
		return results.Nondeterminism
	case exitInterrupted:
		return results.Inconclusive
	default:
		return results.Environment
	}
}

// sortedNames are the keys of m in their order.
func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
