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
)

// writeResult leaves the outcomes of a search as a result.json in --artifacts, if that
// is set. unexpected is the error that the command ends with.
func writeResult(c *cli.Command, w scenarios.Workload, started time.Time, outcomes []outcome, unexpected error) error {
	dir := c.String("artifacts")
	if dir == "" {
		return nil
	}
	r := results.Result{
		Kind: results.Explore, Seed: c.Uint64("seed"), Command: strings.Join(slices.Concat([]string{program()}, os.Args[1:]), " "),
		Started: started.UTC(), Ended: time.Now().UTC(), Verdict: results.Clean,
		Counts: map[string]int64{}, Figures: map[string]float64{},
	}
	shard, err := results.ShardOf(c.String("shard"))
	if err != nil {
		return fail(exitUsage, "--shard: %w", err)
	}
	if shard.Of > 0 {
		r.Shard = shard.String()
	}
	var names []string
	for _, o := range outcomes {
		names = append(names, o.Name)
		r.Counts["executions"] += int64(o.Executions)
		r.Counts["distinct"] += int64(o.Distinct)
		r.Figures["seconds"] += o.Seconds
		switch {
		case o.Verdict == verdictStopped && r.Verdict == results.Clean:
			r.Verdict = results.Inconclusive
		case o.Verdict == verdictViolated:
			f := o.report.Found.Failure
			r.Verdict = results.Violated
			r.Failures = append(r.Failures, results.Failure{
				Signature: o.Name + " " + o.Invariant, Invariant: o.Invariant, Title: o.Name + ": " + f.Title,
				Count: 1, Reproduce: program() + " replay " + o.Token,
			})
		}
	}
	if unexpected != nil && r.Verdict == results.Clean {
		r.Verdict = results.Violated
	}
	r.Target = strings.Join(names, ", ") + ": " + w.String()
	if err := results.Write(dir, r); err != nil {
		return fail(exitEnvironment, "--artifacts: %w", err)
	}
	return nil
}

// sortedNames are the keys of m in their order.
func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
