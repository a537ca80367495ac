package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/internal/results"
	"github.com/startrace/startrace/sim"
)

func mergeCommand() *cli.Command {
	return &cli.Command{
		Name:      "merge",
		Usage:     "join the results of the shards of a run",
		ArgsUsage: "DIRECTORY...",
		Description: `Each directory has the result.json of a shard, as explore and soak write it with
--artifacts. Counts are added, and failures with the same signature are one.

Exit codes: 0 all shards are clean; 1 one violates an invariant; 2 the command line is wrong,
or the directories are not those of one run; 3 a result is missing or can't be read, or a
shard could not do its work or not all of it; 4 a replay differs in one. Of several, 1 comes
before 4, and 4 before 3: what is missing does not hide what the others found.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Usage: "write the joined result.json into `DIRECTORY`"},
			&cli.BoolFlag{Name: "json", Usage: "print the joined result.json"},
		},
		OnUsageError: usageError,
		Action:       merge,
	}
}

func merge(_ context.Context, c *cli.Command) error {
	if !c.Args().Present() {
		return fail(exitUsage, "%s takes the directories of results, got none", c.FullName())
	}
	var all []results.Named
	var missing []string
	for _, dir := range c.Args().Slice() {
		r, err := results.Read(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, fmt.Sprintf("the shard of %s has left no result", dir))
		case err != nil:
			missing = append(missing, err.Error())
		default:
			all = append(all, results.Named{Name: dir, Result: r})
		}
	}
	if len(all) == 0 {
		return fail(exitEnvironment, "%s", strings.Join(missing, "; "))
	}
	m, err := results.Merge(all)
	if err != nil {
		return fail(exitUsage, "%w", err)
	}
	lost, err := missingShards(m)
	if err != nil {
		return fail(exitUsage, "%w", err)
	}
	if len(lost) > 0 {
		missing = append(missing, "of the run there is no shard "+strings.Join(lost, ", "))
	}
	if len(missing) > 0 {
		m.Verdict = results.Worse(m.Verdict, results.Environment)
	}
	if dir := c.String("output"); dir != "" {
		if err := results.Write(dir, m); err != nil {
			return fail(exitEnvironment, "--output: %w", err)
		}
	}
	out := c.Root().Writer
	if c.Bool("json") {
		err = writeJSON(c, m)
	} else {
		err = printMerged(out, m)
	}
	if err != nil {
		return fail(exitEnvironment, "can't write the result: %w", err)
	}
	for _, text := range missing {
		fmt.Fprintf(c.Root().ErrWriter, "startrace: %s: run it again\n", text)
	}
	switch m.Verdict {
	case results.Clean:
		return nil
	case results.Violated:
		return fail(exitViolated, "the result is violated: see %s", m.Shards[0].Name)
	case results.Nondeterminism:
		return fail(exitNondeterminism, "a replay differs: see %s", m.Shards[0].Name)
	}
	if len(missing) > 0 {
		return fail(exitEnvironment, "the result is not whole")
	}
	return fail(exitEnvironment, "the result is %s: see %s", m.Verdict, m.Shards[0].Name)
}

// missingShards names those of the run that are not among the merged ones.
func missingShards(m results.Result) (missing []string, _ error) {
	of := 0
	has := map[int]bool{}
	for _, part := range m.Shards {
		if part.Shard == "" {
			continue
		}
		s, err := sim.ParseShard(part.Shard)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.Name, err)
		}
		if of == 0 {
			of = s.Of
		}
		if s.Of != of {
			return nil, fmt.Errorf("%s is one of %d shards, and others are of %d", part.Name, s.Of, of)
		}
		has[s.Index] = true
	}
	for i := range of {
		if !has[i] {
			missing = append(missing, sim.Shard{Index: i, Of: of}.String())
		}
	}
	return missing, nil
}

func printMerged(out io.Writer, m results.Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s, seed %d: %s, in %v\n\n", m.Kind, m.Target, m.Seed, m.Verdict, m.Ended.Sub(m.Started).Round(time.Second))
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SHARD\tVERDICT\tDIRECTORY")
	for _, part := range m.Shards {
		shard := part.Shard
		if shard == "" {
			shard = "all"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", shard, part.Verdict, part.Name)
	}
	fmt.Fprintln(t)
	for _, name := range sortedNames(m.Counts) {
		fmt.Fprintf(t, "%s\t%d\n", name, m.Counts[name])
	}
	for _, name := range sortedNames(m.Figures) {
		fmt.Fprintf(t, "%s\t%.4g at most\n", name, m.Figures[name])
	}
	if len(m.Failures) > 0 {
		fmt.Fprintln(t, "\nCOUNT\tINVARIANT\tFAILURE")
		for _, f := range m.Failures {
			fmt.Fprintf(t, "%d\t%s\t%s\n", f.Count, f.Invariant, f.Title)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range m.Failures {
		if f.Reproduce != "" {
			fmt.Fprintf(&b, "\n%s\n  %s\n", f.Title, f.Reproduce)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}
