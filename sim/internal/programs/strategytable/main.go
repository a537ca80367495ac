// Command strategytable prints how many executions each strategy takes to find
// the failures of package programs, beside the published figures.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"text/tabwriter"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/internal/programs"
	"github.com/startrace/startrace/sim/strategy"
)

// ours are the strategies without a published figure.
var ours = []string{"urw", "sticky", "pct", "portfolio", "feedback", "auto"}

func main() {
	budget := flag.Int("budget", 1000, "executions of a search")
	trials := flag.Int("trials", 20, "searches for each figure")
	flag.Parse()
	if err := run(*trials, *budget); err != nil {
		fmt.Fprintf(os.Stderr, "strategytable: %v\n", err)
		os.Exit(1)
	}
}

func run(trials, budget int) error {
	_, file, _, _ := runtime.Caller(0)
	if err := sim.MainProgram(filepath.Dir(file), "."); err != nil {
		return fmt.Errorf("build with the controlled runtime: %w", err)
	}
	fmt.Fprintf(os.Stdout, "Executions to the first failure, mean of %d searches of up to %d executions / as published (20 of up to 10000).\n", trials, budget)
	fmt.Fprint(os.Stdout, "12*7: mean of the 7 searches that found it; 12*: not all did.\n\n")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	columns := append(programs.Columns[:], ours...)
	fmt.Fprint(w, "PROGRAM\tDEPTH\t")
	for _, c := range columns {
		fmt.Fprintf(w, "%s\t", c)
	}
	fmt.Fprintln(w)
	for _, p := range programs.All() {
		fmt.Fprintf(w, "%s\t%d\t", p.Name, p.Depth)
		for i, c := range columns {
			s, err := strategy.Parse(c)
			if err != nil {
				return err
			}
			o, err := programs.Measure(p, s, trials, budget)
			if err != nil {
				return err
			}
			if i < len(p.Published) && p.Published[i] != (programs.Figure{}) {
				fmt.Fprintf(w, "%v / %v\t", o, p.Published[i])
			} else {
				fmt.Fprintf(w, "%v\t", o)
			}
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
