package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// defaultBudget is the number of executions a variant gets.
const defaultBudget = 3000

// exhaustBudget is that of a strategy which means to be exhaustive.
const exhaustBudget = 100_000

func exploreCommand() *cli.Command {
	return &cli.Command{
		Name:  "explore",
		Usage: "search variants of StartContainer for violated invariants",
		Description: `Each variant runs a workload on an embedded fake containerd under many
schedules, until an invariant is violated or the budget is used up. The first violation is
shrunk, to the smallest workload that has it as well, and drawn, with a command
that replays it.

An interrupt ends the search after the current execution, and what was found is
printed; with --resume the same command goes on where it was.

A clean verdict proves nothing about schedules that were not tried.`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "variant", Usage: "explore only this `VARIANT`; may be repeated (" + strings.Join(variantNames(), ", ") + ")"},
			&cli.StringFlag{Name: "workload", Value: scenarios.DefaultWorkload, Usage: "what happens to the container, as `TEXT`: operations in parallel, and what may go wrong"},
			&cli.StringFlag{Name: "strategy", Value: strategy.Auto{}.String(), Usage: "how choices are made, a `STRATEGY` of auto (exhausts what is small, else portfolio), portfolio, feedback, random, sticky, pct, pct:DEPTH, pos, urw, surw, or systematic: dfs, icb, icb:BOUND, delay, delay:BOUND, dpor"},
			&cli.StringFlag{Name: "focus", Usage: "make decisions only where `PATTERNS` of code say: import paths, with /... for those below, or functions or types in them, with commas between them, - in front to leave out; " + focusProgram + " is what is tested with its fake, " + focusAll + " is everything (default: " + focusProgram + " for dpor, else " + focusAll + ")"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`SEED` of the choices"},
			&cli.IntFlag{Name: "budget", Value: defaultBudget, Usage: "`EXECUTIONS` for each variant, " + fmt.Sprint(exhaustBudget) + " for dpor unless it is set"},
			&cli.IntFlag{Name: "workers", Value: runtime.GOMAXPROCS(0), Usage: "`PROCESSES` that share a search that takes long"},
			&cli.StringFlag{Name: "shard", Usage: "run only part `I/N` of the executions, as on one of N machines (default: what the array job of Slurm or Kubernetes says, see docs/ci.md)"},
			&cli.StringFlag{Name: "artifacts", Usage: "write result.json into `DIRECTORY`, for startrace merge"},
			&cli.StringFlag{Name: "resume", Usage: "go on from `FILE` if it is there, and write it when interrupted"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object"},
			&cli.StringFlag{Name: "save-scenario", Usage: "tell the first violation as a story, step by step, in `FILE`; see startrace scenarios"},
			&cli.StringFlag{Name: "pages", Usage: "write a page about each violation into `DIRECTORY`, as VARIANT.html"},
		},
		OnUsageError: usageError,
		Action:       explore,
	}
}

func variantNames() []string {
	var names []string
	for _, v := range scenarios.All() {
		names = append(names, v.Name)
	}
	return names
}

// program is how this program was called: with go run, or as a binary.
func program() string {
	if strings.Contains(os.Args[0], string(filepath.Separator)+"go-build") {
		return "go run ./cmd/startrace"
	}
	return os.Args[0]
}

// outcome is what the exploration of one variant gave.
type outcome struct {
	Name           string     `json:"name"`
	Workload       string     `json:"workload"`
	Strategy       string     `json:"strategy"`
	Verdict        string     `json:"verdict"` // violated, clean, exhausted or interrupted
	Invariant      string     `json:"invariant"`
	Executions     int        `json:"executions"`
	Distinct       int        `json:"distinct"`
	Classes        int        `json:"classes"`                // by happens-before, of the executions that were classified
	Unseen         float64    `json:"unseen"`                 // estimated probability of another class
	Parts          []sim.Part `json:"parts,omitempty"`        // of auto
	Inequivalent   int        `json:"inequivalent,omitempty"` // of dpor: apart from the order of what commutes
	Wasted         int        `json:"wasted,omitempty"`
	Focus          []string   `json:"focus,omitempty"`  // where decisions were made, empty for everywhere
	Bounds         []string   `json:"bounds,omitempty"` // of an exhausted search
	FirstViolation int        `json:"firstViolation"`   // executions that it took, 0 for none
	Token          string     `json:"token"`
	Seconds        float64    `json:"seconds"`

	report sim.Report
}

const (
	verdictViolated = "violated"
	verdictClean    = "clean"
	verdictAll      = "exhausted" // clean, and nothing is left to try
	verdictStopped  = "interrupted"
)

func explore(_ context.Context, c *cli.Command) (retErr error) {
	if err := noArguments(c); err != nil {
		return err
	}
	w, err := scenarios.ParseWorkload(c.String("workload"))
	if err != nil {
		return fail(exitUsage, "--workload: %w", err)
	}
	s, err := strategy.Parse(c.String("strategy"))
	if err != nil {
		return fail(exitUsage, "--strategy: %w", err)
	}
	budget := c.Int("budget")
	if budget < 1 {
		return fail(exitUsage, "--budget: %d is no number of executions", budget)
	}
	if _, ok := s.(strategy.DPOR); ok && !c.IsSet("budget") {
		budget = exhaustBudget
	}
	variants := scenarios.Variants()
	if names := c.StringSlice("variant"); len(names) > 0 {
		variants = nil
		for _, name := range names {
			v, err := scenarios.Lookup(name)
			if err != nil {
				return fail(exitUsage, "--variant: %w", err)
			}
			variants = append(variants, v)
		}
	}
	for _, v := range variants {
		if err := v.Check(w); err != nil {
			return fail(exitUsage, "--workload: %w", err)
		}
	}
	focus, err := focusOf(c.String("focus"), s)
	if err != nil {
		return fail(exitUsage, "--focus: %w", err)
	}
	opts := sim.Options{Config: config(focus...), Strategy: s, Seed: c.Uint64("seed"), Executions: budget, Workers: c.Int("workers")}
	if err := exploreFlags(c, &opts, variants, w); err != nil {
		return err
	}
	stop, done := interrupts()
	defer done()
	opts.Interrupt = stop
	p := newProgress(c.Root().ErrWriter, budget)
	var outcomes []outcome
	started := time.Now()
	defer func() {
		if err := writeResult(c, variants, w, opts, started, outcomes, retErr); err != nil && retErr == nil {
			retErr = err
		}
	}()
	opts.Progress = p.show
	for _, v := range variants {
		o, err := exploreVariant(v, w, opts)
		p.clear()
		if err != nil {
			return err
		}
		outcomes = append(outcomes, o)
		if o.Verdict == verdictStopped {
			break
		}
	}
	out := c.Root().Writer
	if c.Bool("json") {
		err = printJSON(out, outcomes)
	} else {
		err = printOutcomes(out, outcomes)
	}
	if err != nil {
		return fail(exitEnvironment, "can't write the result: %w", err)
	}
	if err := writePages(c.String("pages"), outcomes); err != nil {
		return fail(exitEnvironment, "--pages: %w", err)
	}
	if err := saveScenario(c, outcomes); err != nil {
		return err
	}
	if err := keepCheckpoint(c.String("resume"), opts.Checkpoint, outcomes); err != nil {
		return err
	}
	return unexpected(outcomes, w, opts.Shard.Of > 1)
}

func exploreVariant(v scenarios.Variant, w scenarios.Workload, opts sim.Options) (outcome, error) {
	opts.Name = label(v, w)
	opts.Replayable = program() + " replay %s"
	opts.Smaller = smaller
	r := sim.Search(opts, scenarios.Body(v, w))
	if errors.Is(r.Err, sim.ErrFocus) {
		return outcome{}, fail(exitUsage, "--focus: %w", r.Err)
	}
	if errors.Is(r.Err, sim.ErrCheckpoint) || errors.Is(r.Err, sim.ErrNoShards) {
		return outcome{}, fail(exitUsage, "%s: %w", v.Name, r.Err)
	}
	if r.Err != nil {
		return outcome{}, fail(exitNondeterminism, "%s: %w", v.Name, r.Err)
	}
	o := outcome{
		Name: v.Name, Workload: w.String(), Strategy: r.Strategy, Verdict: verdictClean,
		Executions: r.Executions, Distinct: r.Distinct,
		Inequivalent: r.Inequivalent, Wasted: r.Wasted, Focus: r.Focus,
		Classes: r.Classes, Unseen: r.Unseen(), Parts: r.Parts,
		Seconds: r.Elapsed.Round(time.Millisecond).Seconds(), report: r,
	}
	if r.Exhausted {
		o.Verdict, o.Bounds = verdictAll, r.Bounds
	}
	if r.Interrupted {
		o.Verdict = verdictStopped
	}
	if f := r.Found; f != nil {
		o.Verdict = verdictViolated
		o.Invariant = f.Failure.ID
		if o.Invariant == "" {
			o.Invariant = string(f.Failure.Kind)
		}
		o.FirstViolation = f.Execution
		o.Token = f.Schedule.Token()
	}
	return o, nil
}

// unexpected tells whether a variant did what it should not: the reference
// keeps all invariants, the others but the peers do not, in the default workload. A
// part of a search need not show that.
func unexpected(outcomes []outcome, w scenarios.Workload, part bool) error {
	for _, o := range outcomes {
		broken := o.Name != scenarios.Reference.Name
		switch {
		case o.Verdict == verdictStopped:
			return fail(exitInterrupted, "interrupted")
		case !broken && o.Verdict == verdictViolated:
			return fail(exitViolated, "the %s violates %s", o.Name, o.Invariant)
		case broken && !part && o.Verdict != verdictViolated && w.String() == scenarios.DefaultWorkload && !isPeer(o.Name):
			return fail(exitViolated, "%s is known to be wrong, and %d executions did not show it: give it a larger --budget", o.Name, o.Executions)
		}
	}
	return nil
}

func isPeer(name string) bool {
	return slices.ContainsFunc(scenarios.Peers(), func(v scenarios.Variant) bool { return v.Name == name })
}

func printJSON(out io.Writer, outcomes []outcome) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(map[string]any{"variants": outcomes})
}

func printOutcomes(out io.Writer, outcomes []outcome) error {
	var b strings.Builder
	for _, o := range outcomes {
		if o.report.Found != nil {
			fmt.Fprintf(&b, "%s: %s\n\n", o.Name, o.report.Found.Text(o.report))
		}
	}
	if len(outcomes) > 0 {
		fmt.Fprintf(&b, "workload: %s\n\n", outcomes[0].Workload)
	}
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "VARIANT\tEXECUTIONS\tDISTINCT\tVERDICT\tFIRST VIOLATION\tTIME")
	for _, o := range outcomes {
		verdict, first := o.Verdict, "-"
		if o.Verdict == verdictViolated {
			verdict += " " + o.Invariant
			first = fmt.Sprintf("execution %d", o.FirstViolation)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%.2fs\n", o.Name, o.Executions, o.Distinct, verdict, first, o.Seconds)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, o := range outcomes {
		b.WriteString(o.covered())
	}
	_, err := io.WriteString(out, b.String())
	return err
}
