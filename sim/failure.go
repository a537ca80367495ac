package sim

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// Kind is a class of failures.
type Kind string

// The kinds.
const (
	Failed   Kind = "failed"    // reported through T
	Panicked Kind = "panic"     // a panic or a fatal error in any goroutine
	Deadlock Kind = "deadlock"  // all goroutines are blocked
	Leak     Kind = "leak"      // goroutines are left after the body returned
	Livelock Kind = "livelock"  // the execution does not end
	DataRace Kind = "data race" // reported by the race detector
)

// Failure is what went wrong in an execution.
type Failure struct {
	Kind      Kind
	ID        string // of the violated invariant, if it was reported with one
	Title     string // one line
	Detail    string // more lines
	Signature string // equal for what the shrinker takes for the same failure

	blocked []blocked
}

// blocked is a goroutine that was left.
type blocked struct {
	id     uint32
	reason string
	owners []uint32
	object uint32
	stack  []runtime.Frame
}

// same tells whether r fails like f.
func (f *Failure) same(r Result) bool {
	return r.Failure != nil && r.Failure.Signature == f.Signature
}

// failure classifies the outcome of an execution; nil if nothing failed.
func failure(c *ctl.Config, t *T, races int) *Failure {
	if c.Verdict == ctl.VerdictNone && !t.failed && races <= 0 {
		return nil
	}
	f := &Failure{}
	switch {
	case c.Verdict == ctl.VerdictPanic:
		f.panicked(c)
	case t.failed:
		f.Kind, f.ID = Failed, t.id
		f.Title, _, _ = strings.Cut(t.messages[0], "\n")
		f.Signature = "failed at " + t.site
		if t.id != "" {
			f.Signature = t.id
		}
	case c.Verdict == ctl.VerdictDeadlock:
		f.Kind, f.Title = Deadlock, "deadlock: all goroutines are blocked"
	case c.Verdict == ctl.VerdictLeak:
		f.Kind, f.Title = Leak, "leak: goroutines are left after the body returned"
	case c.Verdict == ctl.VerdictLimit:
		f.Kind = Livelock
		f.Title = fmt.Sprintf("livelock: the execution does not end within %d points", c.MaxPoints)
	default:
		f.Kind, f.Title, f.Signature = DataRace, "data race: the race detector's report is above", string(DataRace)
	}
	if c.Verdict == ctl.VerdictDeadlock || c.Verdict == ctl.VerdictLeak || c.Verdict == ctl.VerdictLimit {
		f.left(c)
	}
	var lines []string
	if f.Detail != "" {
		lines = append(lines, f.Detail)
	}
	for _, m := range t.messages {
		if m != f.Title {
			lines = append(lines, strings.TrimPrefix(m, f.Title+"\n"))
		}
	}
	f.Detail = strings.Join(lines, "\n")
	return f
}

func (f *Failure) panicked(c *ctl.Config) {
	f.Kind = Panicked
	text := fmt.Sprint(c.PanicVal)
	if c.NText > 0 {
		text = "fatal error: " + string(c.Text[:c.NText])
	}
	first, _, _ := strings.Cut(text, "\n")
	f.Title = "panic: " + first
	stack := userFrames(c.PanicPCs[:c.NPanic])
	f.Signature = "panic at " + site(stack)
	f.Detail = text + "\n" + frameLines(stack)
}

// left describes the goroutines that were left.
func (f *Failure) left(c *ctl.Config) {
	var sites []string
	for _, b := range c.Blocked[:c.NBlocked] {
		x := blocked{id: b.ID, object: b.Obj, reason: ctl.Reason(b.Reason), stack: userFrames(b.PCs[:b.NPC])}
		if b.Running != 0 {
			x.reason = "runnable"
		}
		x.owners = slices.Clone(b.Owners[:b.NOwner])
		f.blocked = append(f.blocked, x)
		sites = append(sites, site(x.stack))
	}
	slices.SortFunc(f.blocked, func(a, b blocked) int { return int(a.id) - int(b.id) })
	if f.Signature == "" {
		slices.Sort(sites)
		f.Signature = string(f.Kind) + " at " + strings.Join(slices.Compact(sites), ", ")
	}
	f.name(nil)
}

// name writes down who is blocked, with the names of the goroutines if known.
func (f *Failure) name(lanes []string) {
	if len(f.blocked) == 0 {
		return
	}
	who := func(id uint32) string {
		if int(id) < len(lanes) && lanes[id] != "" {
			return lanes[id]
		}
		return fmt.Sprintf("g%d", id)
	}
	var b strings.Builder
	for _, x := range f.blocked {
		fmt.Fprintf(&b, "%s: %s", who(x.id), x.reason)
		if x.object != 0 && len(x.owners) > 0 {
			fmt.Fprintf(&b, " of #%d", x.object)
		}
		for i, o := range x.owners {
			if i == 0 {
				b.WriteString(", held by ")
			} else {
				b.WriteString(" and ")
			}
			b.WriteString(who(o))
			if o == x.id {
				b.WriteString(" itself")
			}
		}
		b.WriteString("\n" + frameLines(x.stack))
	}
	f.Detail = strings.TrimRight(b.String(), "\n")
}

func frameLines(stack []runtime.Frame) string {
	var b strings.Builder
	for _, fr := range stack {
		fmt.Fprintf(&b, "    %s  %s:%d\n", shortFunc(fr.Function), filepath.Base(fr.File), fr.Line)
	}
	return b.String()
}

func site(stack []runtime.Frame) string {
	if len(stack) == 0 {
		return "?"
	}
	return fmt.Sprintf("%s:%d", filepath.Base(stack[0].File), stack[0].Line)
}
