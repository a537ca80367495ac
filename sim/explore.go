package sim

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/startrace/startrace/sim/strategy"
)

// Flags of a test binary, each with an environment variable (SIM_REPLAY for
// -sim.replay), for packages that would reject the flag.
var (
	flagReplay     = flag.String("sim.replay", os.Getenv("SIM_REPLAY"), "replay this `token or schedule file` in Explore instead of exploring")
	flagSeed       = flag.String("sim.seed", os.Getenv("SIM_SEED"), "`seed` of explorations")
	flagExecutions = flag.String("sim.executions", os.Getenv("SIM_EXECUTIONS"), "budget of explorations, in `executions`")
	flagStrategy   = flag.String("sim.strategy", os.Getenv("SIM_STRATEGY"), "`strategy` of explorations: auto, portfolio, feedback, random, sticky, pct, pct:DEPTH, pos, urw, surw, dfs, icb, delay, dpor")
	flagWorkers    = flag.String("sim.workers", os.Getenv("SIM_WORKERS"), "`processes` that share an exploration that takes long; default GOMAXPROCS")
	flagShard      = flag.String("sim.shard", os.Getenv("SIM_SHARD"), "run only `part` I/N of the executions of explorations")
	flagFocus      = flag.String("sim.focus", os.Getenv("SIM_FOCUS"), "`patterns` of the code whose operations are decisions, with commas between them; see Config.Focus")
)

// Explore runs body under many schedules until one fails, which fails t with
// the shrunk execution and a command that replays it, or until the budget of
// opts is used up. The body must be repeatable: it is called many times, and
// with equal choices it must do the same. It must not use real IO.
//
// That nothing failed proves nothing about the schedules that were not tried.
func Explore(t testing.TB, opts Options, body func(*T)) Report {
	t.Helper()
	if opts.Name == "" {
		opts.Name = t.Name()
	}
	if err := opts.fromFlags(); err != nil {
		t.Fatal(err)
	}
	if opts.Replayable == "" {
		opts.Replayable = fmt.Sprintf("go test -run '^%s$' -sim.replay=%%s %s", regexp.QuoteMeta(rootName(t)), callerPackage())
	}
	if *flagLenient != "" && *flagReplay == "" {
		t.Fatal("-sim.lenient needs -sim.replay")
	}
	if *flagReplay != "" {
		s, err := readSchedule(*flagReplay)
		if err != nil {
			t.Fatalf("-sim.replay: %v", err)
		}
		if s.Label != "" {
			if body = opts.named(s.Label, body); body == nil {
				noteForeign(t, s.Label, opts.Name)
				return Report{Name: opts.Name}
			}
		}
		noteReplay()
		if *flagLenient != "" {
			turns, err := parseTurns(*flagLenient)
			if err != nil {
				t.Fatal(err)
			}
			replayLenient(t, Config{Name: cmp.Or(s.Label, opts.Name)}, s, turns, body)
			return Report{Name: opts.Name, Executions: 1}
		}
		Replay(t, s, body)
		return Report{Name: opts.Name, Executions: 1}
	}
	if d, ok := deadline(t); ok && (opts.Duration == 0 || opts.Duration > d) {
		opts.Duration = d
	}
	r := search(t, opts, body)
	attributes(t, r)
	switch {
	case r.Err != nil:
		t.Fatalf("%s: %v", opts.Name, r.Err)
	case r.Found != nil:
		if again := r.Found.afterEdit(); again != "" {
			r.Found.Commands = append(r.Found.Commands, again)
		}
		keepFound(t, r)
		t.Fatal(r.Found.Text(r))
	}
	t.Log(r)
	return r
}

// rootName is the name of the test function of t: -run takes subtests apart.
func rootName(t testing.TB) string {
	name, _, _ := strings.Cut(t.Name(), "/")
	return name
}

// callerPackage is the import path of the package that calls Explore.
func callerPackage() string {
	pcs := make([]uintptr, 8)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, simPackage+".") {
			slash := strings.LastIndexByte(f.Function, '/') + 1
			pkg, _, _ := strings.Cut(f.Function[slash:], ".")
			return strings.TrimSuffix(f.Function[:slash]+pkg, "_test")
		}
		if !more {
			return "."
		}
	}
}

// deadline leaves a tenth of the time of the test for the report.
func deadline(t testing.TB) (time.Duration, bool) {
	d, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return 0, false
	}
	at, ok := d.Deadline()
	if !ok {
		return 0, false
	}
	return max(time.Until(at)*9/10, time.Millisecond), true
}

func (o *Options) fromFlags() error {
	if _, err := hangFlag(); err != nil {
		return err
	}
	if *flagSeed != "" {
		n, err := strconv.ParseUint(*flagSeed, 0, 64)
		if err != nil {
			return fmt.Errorf("-sim.seed: %w", err)
		}
		o.Seed = n
	}
	if *flagExecutions != "" {
		n, err := strconv.Atoi(*flagExecutions)
		if err != nil || n < 1 {
			return fmt.Errorf("-sim.executions: %q is no number of executions", *flagExecutions)
		}
		o.Executions = n
	}
	if *flagFocus != "" {
		focus, err := ParseFocus(*flagFocus)
		if err != nil {
			return fmt.Errorf("-sim.focus: %w", err)
		}
		o.Config.Focus = focus
	}
	if *flagStrategy != "" {
		s, err := strategy.Parse(*flagStrategy)
		if err != nil {
			return fmt.Errorf("-sim.strategy: %w", err)
		}
		o.Strategy = s
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if *flagWorkers != "" {
		n, err := strconv.Atoi(*flagWorkers)
		if err != nil || n < 1 {
			return fmt.Errorf("-sim.workers: %q is no number of processes", *flagWorkers)
		}
		o.Workers = n
	}
	if *flagShard != "" {
		s, err := ParseShard(*flagShard)
		if err != nil {
			return fmt.Errorf("-sim.shard: %w", err)
		}
		o.Shard = s
	}
	return nil
}

// exhausted says what an exhausted search proves.
func (r Report) exhausted() string {
	s := fmt.Sprintf("all %d executions checked", r.Executions)
	if r.Inequivalent > 0 {
		s = fmt.Sprintf("all %d inequivalent executions checked", r.Inequivalent)
	}
	if len(r.Bounds) > 0 {
		s += " with " + strings.Join(r.Bounds, ", ")
	}
	return s
}

// String says how much was looked at.
func (r Report) String() string {
	s := fmt.Sprintf("%s: %d executions, %d distinct, %s, seed %d, up to %d points each",
		r.Name, r.Executions, r.Distinct, r.strategy(), r.Seed, r.MaxPoints)
	switch {
	case r.Exhausted:
		s += "; " + r.exhausted()
	case r.Classified > 0:
		s += "; " + r.Saturation.String()
	}
	if r.Interrupted {
		s += "; interrupted"
	}
	if r.Checked > 0 {
		s += fmt.Sprintf("; %d ran twice and agreed", r.Checked)
	}
	return strings.Join(append([]string{s}, r.facts()...), "; ")
}
