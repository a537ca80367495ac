package nightly

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/startrace/startrace/internal/results"
	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// Line says on one line how far a run is.
func Line(total Counts, elapsed time.Duration) string {
	calls, ok := total.Sum("calls"), int64(0)
	for key, n := range total {
		if strings.HasPrefix(key, "calls.") && strings.HasSuffix(key, ".ok") {
			ok += n
		}
	}
	phases := 0
	for key := range total {
		if strings.HasPrefix(key, "met.") {
			phases++
		}
	}
	lifecycles := total.Sum("lifecycles")
	return fmt.Sprintf("%v: %d rounds, %d lifecycles (%.1f/s), %d calls (%d ok, %d refused or failed), "+
		"kills: %d of the daemon, %d of shims, in %d phases; %d findings",
		elapsed.Round(time.Second), total.Sum("rounds"), lifecycles, float64(lifecycles)/elapsed.Seconds(), calls, ok, calls-ok,
		total.Sum("kills", "daemon"), total.Sum("kills", "shim"), phases, total.Sum("findings"))
}

// Table writes the summary of a run.
func Table(out io.Writer, r *results.Result) error {
	c := Counts(r.Counts)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("target", "%s", r.Target)
	row("verdict", "%s", r.Verdict)
	row("time", "%v", r.Ended.Sub(r.Started).Round(time.Second))
	row("rounds", "%d", c["rounds"])
	row("lifecycles", "%d (%.2f/s)", c["lifecycles"], r.Figures["lifecyclesPerSecond"])
	row("calls", "%d (%.2f/s)", c["calls"], r.Figures["callsPerSecond"])
	for _, op := range []model.Op{model.OpCreate, model.OpStart, model.OpStop, model.OpRemove, model.OpStatus} {
		row("  "+string(op), "%s", c.parts("calls", string(op)))
	}
	row("kills", "%d of the daemon, %d of shims, %d processes that ended unseen", c["kills.daemon"], c["kills.shim"], c["unseen"])
	row("  daemon met", "%s", c.phases("daemon"))
	row("  shims met", "%s", c.phases("shim"))
	row("events", "%s; lost %s; %d inverted", c.parts("events", "seen"), c.parts("events", "lost"), c["events.inverted"])
	row("forgotten by containerd", "%s", c.parts("forgotten"))
	row("growth per hour", "%.1f MB, %.1f goroutines, %.1f files",
		r.Figures["heapBytesPerHour"]/1e6, r.Figures["goroutinesPerHour"], r.Figures["filesPerHour"])
	row("findings", "%d of %d kinds", c.Sum("findings"), len(r.Failures))
	for _, f := range r.Failures {
		row("  "+f.Signature, "%d: %s", f.Count, f.Title)
		row("", "%s", f.Reproduce)
	}
	return t.Flush()
}

// parts lists the counts below a key, "none" if there are none.
func (c Counts) parts(key ...string) string {
	prefix := strings.Join(key, ".") + "."
	var all []string
	for _, k := range slices.Sorted(maps.Keys(c)) {
		if name, ok := strings.CutPrefix(k, prefix); ok {
			all = append(all, fmt.Sprintf("%d %s", c[k], name))
		}
	}
	return orNone(all)
}

// phases lists in which phases containers were met.
func (c Counts) phases(target string) string {
	var all []string
	for _, p := range scenarios.Phases() {
		if n := c["met."+target+"."+string(p)]; n > 0 {
			all = append(all, fmt.Sprintf("%d %s", n, p))
		}
	}
	return orNone(all)
}

func orNone(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}
