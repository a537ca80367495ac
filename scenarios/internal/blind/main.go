// Command blind prints how many executions each strategy takes to find, without
// any pin, what is wrong with the variants: for each invariant that one breaks, the
// executions to the first violation of it, the median of several searches. Other
// violations do not count.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

var strategies = []string{"random", "pct", "pos", "surw", "portfolio"}

func main() {
	budget := flag.Int("budget", 10_000, "executions of a search")
	last := flag.Int("last", 100_000, "executions of a search for what no strategy has found")
	seeds := flag.Int("seeds", 20, "searches for each figure")
	variant := flag.String("variant", "", "only of this one")
	flag.Parse()
	if err := run(os.Stdout, *variant, *seeds, *budget, max(*budget, *last)); err != nil {
		fmt.Fprintf(os.Stderr, "blind: %v\n", err)
		os.Exit(1)
	}
}

func run(out io.Writer, variant string, seeds, budget, last int) error {
	_, file, _, _ := runtime.Caller(0)
	if err := sim.MainProgram(filepath.Dir(file), "."); err != nil {
		return fmt.Errorf("build with the controlled runtime: %w", err)
	}
	fmt.Fprintf(out, "Executions to the first violation, median of %d searches of up to %d executions.\n", seeds, budget)
	fmt.Fprintf(out, "never: nothing in the first two searches, or in half of them. What all strategies miss gets up to %d.\n\n", last)
	printRow(out, "INVARIANT", "VARIANT", strategies, "WORKLOAD")
	var never []string
	for _, race := range scenarios.Races() {
		for _, v := range race.In() {
			if variant != "" && v.Name != variant {
				continue
			}
			row, found, err := measure(race, v, seeds, budget)
			if err == nil && !found && last > budget {
				row, found, err = measure(race, v, seeds, last)
			}
			if err != nil {
				return err
			}
			if !found {
				never = append(never, v.Name+" "+race.Invariant)
			}
			printRow(out, race.Invariant, v.Name, row, race.Workload)
		}
	}
	if len(never) == 0 {
		never = []string{"none"}
	}
	fmt.Fprintf(out, "\nFound by no strategy in %d executions: %s\n", last, strings.Join(never, ", "))
	return nil
}

// printRow prints a row when it is known: the whole may take hours.
func printRow(out io.Writer, invariant, variant string, figures []string, workload string) {
	fmt.Fprintf(out, "%-9s  %-12s", invariant, variant)
	for _, figure := range figures {
		fmt.Fprintf(out, "  %9s", figure)
	}
	fmt.Fprintf(out, "  %s\n", workload)
}

// measure returns a figure for each strategy, and whether any found it.
func measure(race scenarios.Race, v scenarios.Variant, seeds, budget int) (row []string, found bool, _ error) {
	w, err := scenarios.ParseWorkload(race.Workload)
	if err != nil {
		return nil, false, err
	}
	for _, name := range strategies {
		s, err := strategy.Parse(name)
		if err != nil {
			return nil, false, err
		}
		median, err := median(race.Invariant, v, w, s, seeds, budget)
		if err != nil {
			return nil, false, fmt.Errorf("%s in %q with %s: %w", v.Name, w, name, err)
		}
		if median > budget {
			row = append(row, "never")
			continue
		}
		row, found = append(row, fmt.Sprint(median)), true
	}
	return row, found, nil
}

// median returns more than the budget if half of the searches found nothing.
func median(invariant string, v scenarios.Variant, w scenarios.Workload, s strategy.Strategy, seeds, budget int) (int, error) {
	var executions []int
	missed := 0
	for seed := range seeds {
		r := sim.Search(sim.Options{
			Name: v.Name + "/" + w.String(), Strategy: s, Executions: budget, Seed: uint64(seed + 1),
			SelfCheck: -1, Shrink: -1,
		}, scenarios.BodyOnly(v, w, invariant))
		if r.Err != nil {
			return 0, r.Err
		}
		if r.Found == nil || r.Found.Failure.ID != invariant || r.Found.Execution > budget { // later is what a warm-up found
			executions = append(executions, budget+1)
			if missed++; missed == 2 && seed == 1 || 2*missed > seeds {
				return budget + 1, nil
			}
			continue
		}
		executions = append(executions, r.Found.Execution)
	}
	slices.Sort(executions)
	return executions[len(executions)/2], nil
}
