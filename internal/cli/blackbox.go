package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/containerd/log"
	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/internal/blackbox"
	"github.com/startrace/startrace/scenarios"
)

// blackboxWorkloads are what runs without --workload.
var blackboxWorkloads = []string{
	"start|stop",
	"start|start|stop|remove|status|exit=7",
	"start|exit=3",
	"start|stop=1s|remove|list; ignoreterm",
	"start|exec|update|stop|status",
}

func blackboxCommand() *cli.Command {
	return &cli.Command{
		Name:  "blackbox",
		Usage: "judge any CRI endpoint on this machine from outside",
		Description: `Try it with
  startrace blackbox --private containerd@2.4.2
which finds that a StopContainer during StartContainer is lost. Of an endpoint that
is not ours, pods, containers and the image are removed at the end. See
docs/blackbox.md. Exit codes: 0 no invariant was violated; 1 one was; 2 the command
line is wrong; 3 no CRI endpoint serves there, it broke, or root is needed; 130 it was
interrupted.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "runtime-endpoint", Usage: "unix://`PATH` of the socket of a CRI endpoint"},
			&cli.StringFlag{Name: "private", Usage: "start this `ENDPOINT`, which leaves nothing behind: containerd@2.4.2, containerd@1.6.20, startrace@2.4.2, startrace@1.6.20"},
			&cli.StringSliceFlag{Name: "workload", Usage: "`TEXT` of a workload, in turn with others (default: a list that has all calls)"},
			&cli.IntFlag{Name: "rounds", Value: 100, Usage: "lifecycles of containers"},
			&cli.IntFlag{Name: "concurrent", Value: 2, Usage: "at a time"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "of the times of calls"},
			&cli.BoolFlag{Name: "json", Usage: "print the summary as JSON"},
		},
		OnUsageError: usageError,
		// A workload may contain a comma.
		DisableSliceFlagSeparator: true,
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
			defer stop()
			return runBlackbox(ctx, c)
		},
	}
}

func runBlackbox(ctx context.Context, c *cli.Command) (retErr error) {
	plan, err := blackboxPlan(c)
	if err != nil {
		return err
	}
	if c.IsSet("private") == c.IsSet("runtime-endpoint") {
		return fail(exitUsage, "either --runtime-endpoint or --private says which endpoint")
	}
	var opts blackbox.Options
	if c.IsSet("runtime-endpoint") {
		if opts.Endpoint, err = socketPath(c, "runtime-endpoint"); err != nil {
			return err
		}
	}
	// The reference serves in this process, and its log would be between the lines.
	if err := log.SetLevel("error"); err != nil {
		return fail(exitEnvironment, "%w", err)
	}
	images, err := blackbox.ServeImages(ctx)
	if err != nil {
		return fail(exitEnvironment, "%w", err)
	}
	defer func() { retErr = errors.Join(retErr, images.Close()) }()
	opts.Image = images.Name()
	if c.IsSet("private") {
		private, err := blackbox.StartPrivate(ctx, c.String("private"), images, func(format string, args ...any) {
			fmt.Fprintf(c.Root().ErrWriter, format+"\n", args...)
		})
		if errors.Is(err, blackbox.ErrUnknown) {
			return fail(exitUsage, "--private: %w", err)
		}
		if err != nil {
			return fail(exitEnvironment, "--private: %w", err)
		}
		defer func() { retErr = leftBehind(retErr, private.Stop()) }()
		opts = private.Options()
	}
	target, err := blackbox.Open(ctx, opts)
	if err != nil {
		return fail(exitEnvironment, "%w", err)
	}
	defer func() { retErr = leftBehind(retErr, target.Close()) }()
	summary, err := target.Soak(ctx, plan)
	if printErr := printBlackbox(c, summary); printErr != nil {
		return fail(exitEnvironment, "%w", printErr)
	}
	switch {
	case ctx.Err() != nil:
		return fail(exitInterrupted, "interrupted")
	case err != nil:
		return fail(exitEnvironment, "%w", err)
	case summary.Violated():
		return &failure{exitViolated, errQuiet}
	}
	return nil
}

// leftBehind returns err, or else that what was made could not be removed.
func leftBehind(err, removal error) error {
	switch {
	case removal == nil:
		return err
	case err == nil:
		return fail(exitEnvironment, "%w", removal)
	}
	return fmt.Errorf("%w\n%w", err, removal)
}

func blackboxPlan(c *cli.Command) (blackbox.Plan, error) {
	plan := blackbox.Plan{Rounds: c.Int("rounds"), Concurrent: c.Int("concurrent"), Seed: c.Uint64("seed")}
	if plan.Rounds < 1 || plan.Concurrent < 1 {
		return plan, fail(exitUsage, "--rounds and --concurrent are at least 1")
	}
	texts := c.StringSlice("workload")
	if len(texts) == 0 {
		texts = blackboxWorkloads
	}
	for _, text := range texts {
		w, err := scenarios.ParseWorkload(text)
		if err == nil {
			err = blackbox.Check(w)
		}
		if err != nil {
			return plan, fail(exitUsage, "--workload: %w", err)
		}
		plan.Workloads = append(plan.Workloads, w)
	}
	return plan, nil
}

func printBlackbox(c *cli.Command, s blackbox.Summary) error {
	out := c.Root().Writer
	if c.Bool("json") {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	for _, f := range s.Findings {
		printFinding(out, f)
	}
	fmt.Fprintf(out, "%s: %d lifecycles in %.1f s, %.1f/s, seed %d\n", s.Target, s.Lifecycles, s.Seconds, s.Rate, s.Seed)
	for _, window := range slices.Sorted(maps.Keys(s.Windows)) {
		fmt.Fprintf(out, "  %d × %s\n", s.Windows[window], window)
	}
	if len(s.Findings) == 0 {
		fmt.Fprintln(out, "nothing found")
	}
	for _, f := range s.Findings {
		fmt.Fprintf(out, "found %s %s: %d of %d lifecycles\n", cmp.Or(f.Invariant, "(no violation)"), f.Name, f.Count, s.Lifecycles)
	}
	_, err := fmt.Fprintf(out, "not decided:\n  %s\n", strings.Join(s.Undecided, "\n  "))
	return err
}

func printFinding(out io.Writer, f blackbox.Finding) {
	fmt.Fprintf(out, "%s %s, in %d lifecycles, first with seed %d of %q: %s\n%s\n",
		cmp.Or(f.Invariant, "(no violation)"), f.Name, f.Count, f.Seed, f.Workload, f.Message, strings.TrimRight(f.History, "\n"))
}
