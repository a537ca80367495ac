// Command cmd plants each mutant of package mutants in a copy of the reference
// and has a blind search look for it. make mutants runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/internal/mutants"
)

// The exit codes.
const (
	exitKilled      = 0   // all of them
	exitSurvived    = 1   // one of them
	exitUsage       = 2   // the command line is wrong
	exitEnvironment = 3   // nothing could be searched, or the reference itself does not survive
	exitInterrupted = 130 // by a signal
)

func main() { os.Exit(run(os.Args, os.Stdout, os.Stderr)) }

// errSurvived says that a mutant is not killed; the table has said which.
var errSurvived = errors.New("a mutant survived: see CONTRIBUTING.md for what that means")

// errUsage is the class of what is wrong with the command line.
var errUsage = errors.New("see --help")

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cli.Command{
		Name:  "mutants",
		Usage: "plant a fault in the reference, one at a time, and see it found",
		Description: `Exit codes: 0 all mutants are killed; 1 one survives; 2 the command line is
wrong; 3 they can't be built or searched, or the reference without a fault does
not survive; 130 it was interrupted.`,
		Writer:    stdout,
		ErrWriter: stderr,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "only", Usage: "search `NAME` only; may be repeated, and control is the reference itself"},
			&cli.BoolFlag{Name: "list", Usage: "print the mutants and the rules that they break, and search nothing"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "of the searches"},
			&cli.IntFlag{Name: "executions", Value: defaultExecutions, Usage: "at most so many of each workload"},
			&cli.BoolFlag{Name: "show", Usage: "shrink and draw what kills each mutant"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object per mutant"},
			&cli.StringFlag{Name: "update", Usage: "write the results to the document `FILE`"},
			&cli.IntFlag{Name: "workers", Value: runtime.NumCPU(), Usage: "processes that search at a time"},
		},
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
		OnUsageError: func(_ context.Context, _ *cli.Command, err error, _ bool) error {
			return fmt.Errorf("%w; %w", err, errUsage)
		},
		Action: func(ctx context.Context, c *cli.Command) error { return action(ctx, c, stdout) },
	}
	err := root.Run(ctx, args)
	if err == nil {
		return exitKilled
	}
	fmt.Fprintf(stderr, "mutants: %v\n", err)
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.Is(err, errSurvived):
		return exitSurvived
	case errors.Is(err, errUsage):
		return exitUsage
	}
	return exitEnvironment
}

// defaultExecutions is the budget of each workload.
const defaultExecutions = 1000

func action(ctx context.Context, c *cli.Command, stdout io.Writer) error {
	all, err := mutants.Select(c.StringSlice("only"))
	switch {
	case err != nil:
		return fmt.Errorf("%w; %w", err, errUsage)
	case c.Args().Present():
		return fmt.Errorf("there are no arguments, got %q; %w", c.Args().First(), errUsage)
	case c.Int("executions") < 1 || c.Int("workers") < 1:
		return fmt.Errorf("--executions and --workers are at least 1; %w", errUsage)
	case c.String("update") != "" && len(c.StringSlice("only")) > 0:
		return fmt.Errorf("--update writes about all mutants, not about --only some; %w", errUsage)
	case c.Bool("list"):
		list(stdout, all)
		return nil
	}
	root, err := mutants.Root(ctx)
	if err != nil {
		return err
	}
	if len(c.StringSlice("only")) == 0 {
		all = append(all, mutants.Control)
	}
	request := mutants.Request{Executions: c.Int("executions"), Seed: c.Uint64("seed"), Shrink: c.Bool("show")}
	results, err := plant(ctx, root, all, request, c.Int("workers"), newTable(stdout, c.Bool("json")))
	if err != nil && !errors.Is(err, errSurvived) {
		return err
	}
	if file := c.String("update"); file != "" {
		if err := writeDocument(file, results, request); err != nil {
			return err
		}
	}
	return err
}

// plant searches mutants of the checkout root and prints what comes of it.
func plant(ctx context.Context, root string, all []mutants.Mutant, r mutants.Request, workers int, t *table) (_ []result, retErr error) {
	scratch, err := mutants.NewScratch(root, all)
	if err != nil {
		return nil, err
	}
	defer func() { retErr = errors.Join(retErr, scratch.Remove()) }()
	if err := scratch.Build(ctx, root); err != nil {
		return nil, err
	}
	results, err := t.searchAll(ctx, scratch, all, r, workers)
	if err != nil {
		return nil, err
	}
	return results, t.conclude(results)
}

func list(stdout io.Writer, all []mutants.Mutant) {
	for _, m := range all {
		fmt.Fprintf(stdout, "%s (%s): %s\n", m.Name, m.File, m.Rule)
	}
}
