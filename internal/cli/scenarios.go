package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace"
	"github.com/startrace/startrace/internal/museum"
	"github.com/startrace/startrace/scenarios/script"
	"github.com/startrace/startrace/sim/report"
)

func scenariosCommand() *cli.Command {
	dir := &cli.StringFlag{Name: "dir", Usage: "use the scenarios in `DIRECTORY` (default: those that are built in)"}
	asJSON := &cli.BoolFlag{Name: "json", Usage: "print JSON"}
	variant := &cli.StringFlag{Name: "variant", Usage: "run it on this `VARIANT` only"}
	width := &cli.IntFlag{
		Name: "width", Value: 180, Usage: "the terminal has so many `COLUMNS`; with less than 145 the runs are one below the other",
		Validator: func(n int) error {
			if n < 60 {
				return fmt.Errorf("%d columns are too few for a picture: use 60 at least", n)
			}
			return nil
		},
	}
	sub := func(name, usage, args string, action func(context.Context, *cli.Command) error, flags ...cli.Flag) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, ArgsUsage: args, Flags: flags, Action: action, OnUsageError: usageError}
	}
	return &cli.Command{
		Name:  "scenarios",
		Usage: "the museum of races: reported ones, as stories that run",
		Description: `A scenario tells a race step by step, and says which variants have it. docs/scenarios.md
teaches the format. run exits with 1 if a variant does not do what is recorded of it.`,
		Commands: []*cli.Command{
			sub("list", "list them: id, title, invariant, who has it, reports", "", listScenarios, dir, asJSON),
			sub("show", "print the story of one, with the failing run beside the one of the reference", "ID|FILE", showScenario, dir, variant, width),
			sub("run", "run one, or all", "[ID|FILE]", runScenarios, dir, variant, asJSON),
			sub("html", "write all of them as static pages", "DIRECTORY", htmlScenarios, dir),
			sub("new", "write a skeleton", "FILE", newScenario),
		},
		OnUsageError: usageError,
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return fail(exitUsage, "unknown command %q: there are list, show, run, html and new", c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
}

// loadScenarios reads those of --dir, or those that are built in.
func loadScenarios(c *cli.Command) ([]*script.Scenario, error) {
	var fsys fs.FS = startrace.Scenarios
	folder := startrace.ScenarioFolder
	if dir := c.String("dir"); dir != "" {
		fsys, folder = os.DirFS(dir), "."
		if _, err := os.Stat(dir); err != nil {
			return nil, fail(exitEnvironment, "--dir: %w", err)
		}
	}
	all, err := script.Load(fsys, folder)
	if err != nil {
		return nil, fail(exitUsage, "%w", err)
	}
	return all, nil
}

// theScenario is the one that the argument names.
func theScenario(c *cli.Command) (*script.Scenario, error) {
	if c.NArg() != 1 {
		return nil, fail(exitUsage, "%s takes the id of a scenario, or a file, got %d arguments", c.FullName(), c.NArg())
	}
	name := c.Args().First()
	if text, err := os.ReadFile(name); err == nil {
		s, err := script.Parse(name, string(text))
		if err != nil {
			return nil, fail(exitUsage, "%w", err)
		}
		return s, nil
	}
	all, err := loadScenarios(c)
	if err != nil {
		return nil, err
	}
	s, err := script.Find(all, name)
	if err != nil {
		return nil, fail(exitUsage, "%w, and no such file; see startrace scenarios list", err)
	}
	return s, nil
}

// scenarioJSON is a line of list --json.
type scenarioJSON struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Title     string            `json:"title"`
	Reports   []string          `json:"reports"`
	Invariant string            `json:"invariant"`
	Breaks    map[string]string `json:"breaks"`
	Passes    []string          `json:"passes"`
}

func listScenarios(_ context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	all, err := loadScenarios(c)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		list := make([]scenarioJSON, 0, len(all))
		for _, s := range all {
			list = append(list, scenarioJSON{s.ID, s.Name, s.Title, s.Reports, s.Property, s.Breaks, append(slices.Clone(s.Passes), script.Reference)})
		}
		return writeJSON(c, list)
	}
	w := tabwriter.NewWriter(c.Root().Writer, 0, 0, 2, ' ', 0)
	for _, s := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.ID, s.Title, s.Property, brokenBy(s), strings.Join(s.Reports, ", "))
	}
	return w.Flush()
}

// brokenBy names the variants that have the race, in their order.
func brokenBy(s *script.Scenario) string {
	if names := s.Broken(); len(names) > 0 {
		return strings.Join(names, " ")
	}
	return "none"
}

func writeJSON(c *cli.Command, v any) error {
	e := json.NewEncoder(c.Root().Writer)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func showScenario(_ context.Context, c *cli.Command) error {
	s, err := theScenario(c)
	if err != nil {
		return err
	}
	variant := c.String("variant")
	if variant == "" {
		if names := s.Broken(); len(names) > 0 {
			variant = names[len(names)-1]
		}
	}
	out := c.Root().Writer
	fmt.Fprintln(out, s)
	if variant == "" || variant == script.Reference {
		text, err := drawn(s, script.Reference, c.Int("width"))
		fmt.Fprint(out, text)
		return err
	}
	// Two pictures need so many columns to be beside each other.
	const between, least = 5, 70
	beside := (c.Int("width") - between) / 2
	one := c.Int("width")
	if beside >= least {
		one = beside
	}
	left, err := drawn(s, variant, one)
	if err != nil {
		return err
	}
	right, err := drawn(s, script.Reference, one)
	switch {
	case err != nil:
		return err
	case beside >= least:
		fmt.Fprint(out, report.Beside(left, right))
	default:
		fmt.Fprintf(out, "%s\n%s", left, right)
	}
	return nil
}

// drawn is the run of a variant as a picture of that width.
func drawn(s *script.Scenario, variant string, width int) (string, error) {
	r, err := script.Run(s, variant, true)
	if err != nil {
		return "", fail(exitUsage, "%w", err)
	}
	title := variant + ": " + verdictOf(r)
	return report.Failure{Title: wrapped(title, width), Trace: *r.Execution.Trace}.Text(report.TextOptions{MaxRows: 80, Width: width}), nil
}

// wrapped breaks a text into lines of at most width columns, unless a word is longer.
func wrapped(text string, width int) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}

// verdictOf is the last line of what a run printed.
func verdictOf(r script.Result) string {
	_, verdict, _ := strings.Cut(r.Output, "=> ")
	return strings.TrimSpace(verdict)
}

// runJSON is what run --json prints of a run.
type runJSON struct {
	Scenario string `json:"scenario"`
	Variant  string `json:"variant"`
	Violates string `json:"violates"` // invariant, "" for nothing
	Recorded string `json:"recorded"` // what the file says of it
	Output   string `json:"output"`
}

func runScenarios(_ context.Context, c *cli.Command) error {
	var all []*script.Scenario
	var err error
	if c.Args().Present() {
		s, serr := theScenario(c)
		all, err = []*script.Scenario{s}, serr
	} else {
		all, err = loadScenarios(c)
	}
	if err != nil {
		return err
	}
	runs := []runJSON{}
	wrong := 0
	for _, s := range all {
		variants := s.Variants()
		if v := c.String("variant"); v != "" {
			variants = []string{v}
		}
		for _, v := range variants {
			r, err := script.Run(s, v, false)
			if err != nil {
				return fail(exitUsage, "%s: %w", s.Name, err)
			}
			runs = append(runs, runJSON{s.Name, v, r.Invariant(), s.Breaking(v), r.Output})
			if r.Invariant() != s.Breaking(v) {
				wrong++
			}
		}
	}
	if c.Bool("json") {
		err = writeJSON(c, runs)
	} else {
		printRuns(c, runs)
	}
	if err == nil && wrong > 0 {
		err = fail(exitViolated, "%d of %d runs are not as recorded", wrong, len(runs))
	}
	return err
}

// printRuns prints a line for each run, and what it printed if there is one scenario.
func printRuns(c *cli.Command, runs []runJSON) {
	out := c.Root().Writer
	single := len(runs) > 0 && !slices.ContainsFunc(runs, func(r runJSON) bool { return r.Scenario != runs[0].Scenario })
	for _, r := range runs {
		does := "passes"
		if r.Violates != "" {
			does = "violates " + r.Violates
		}
		if r.Violates != r.Recorded {
			does += fmt.Sprintf(" (recorded: %q)", r.Recorded)
		}
		fmt.Fprintf(out, "%s  %s  %s\n", r.Scenario, r.Variant, does)
		if single {
			fmt.Fprintf(out, "    %s\n", strings.ReplaceAll(strings.TrimSpace(r.Output), "\n", "\n    "))
		}
	}
}

func htmlScenarios(_ context.Context, c *cli.Command) error {
	if c.NArg() != 1 {
		return fail(exitUsage, "%s takes one directory, got %d arguments", c.FullName(), c.NArg())
	}
	all, err := loadScenarios(c)
	if err != nil {
		return err
	}
	dir := c.Args().First()
	if err := museum.Write(dir, all); err != nil {
		return fail(exitEnvironment, "%w", err)
	}
	fmt.Fprintf(c.Root().Writer, "%d races: %s\n", len(all), filepath.Join(dir, "index.html"))
	return nil
}

func newScenario(_ context.Context, c *cli.Command) error {
	if c.NArg() != 1 {
		return fail(exitUsage, "%s takes the name of a file, got %d arguments", c.FullName(), c.NArg())
	}
	file := c.Args().First()
	if !strings.HasSuffix(file, ".txt") {
		return fail(exitUsage, "the name of a scenario is NNN-what-happens.txt, not %q", file)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fail(exitUsage, "%s is there already, and is left as it is", file)
	}
	if err != nil {
		return fail(exitEnvironment, "%w", err)
	}
	if _, err := f.WriteString(script.Skeleton); err != nil {
		return fail(exitEnvironment, "%w", errors.Join(err, f.Close()))
	}
	if err := f.Close(); err != nil {
		return fail(exitEnvironment, "%w", err)
	}
	fmt.Fprintf(c.Root().Writer, "%s: tell the story, then run: %s scenarios run %s\n", file, program(), file)
	return nil
}
