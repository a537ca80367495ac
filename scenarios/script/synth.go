package script

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
)

// ErrNoStory is returned where no story was found that fails as an execution does.
var ErrNoStory = errors.New("no story found")

// storyBudget is how many stories are tried.
const storyBudget = 20_000

// Tell looks for a story that violates the same invariant on v as a failing execution
// of w did: its operations one after the other, in some order, where up to two of them
// are held at a point and go on later. rules are the faults that happened in the
// execution, as rules of package failpoint. The error is ErrNoStory if there is none
// among those that are tried, in which case the race lies between points that stories
// cannot pin, or w has what they have no words for.
func Tell(v scenarios.Variant, w scenarios.Workload, rules []string, invariant string) (*Scenario, error) {
	t, err := newTeller(v, w, rules, invariant)
	if err != nil {
		return nil, err
	}
	for splits := range 3 {
		if s := t.search(splits); s != nil {
			return t.finish(s)
		}
	}
	return nil, fmt.Errorf("%w among %d", ErrNoStory, t.tried)
}

// teller tries stories.
type teller struct {
	variant   scenarios.Variant
	invariant string
	setUp     []string // lines before all others
	events    []event
	sites     []string // at which something of the workload came by
	tried     int
}

// event is something that happens once in a story.
type event struct {
	line  string // that makes it happen; for a call it begins it
	label string // of a call that can be held; "" for what cannot
	about string // the container of an exit, whose handling can be held; "" for others
}

func newTeller(v scenarios.Variant, w scenarios.Workload, rules []string, invariant string) (*teller, error) {
	t := &teller{variant: v, invariant: invariant}
	created, later := []string{}, []string{}
	for i, op := range w.Ops {
		if op.Sandbox != "" {
			return nil, fmt.Errorf("%w: there is one sandbox in stories, and no %s", ErrNoStory, op)
		}
		if err := t.add(i, op); err != nil {
			return nil, err
		}
		name := nameOf(op)
		switch {
		case op.Kind == scenarios.Create:
			later = append(later, name)
		case !slices.Contains(created, name):
			created = append(created, name)
		}
	}
	created = slices.DeleteFunc(created, func(n string) bool { return slices.Contains(later, n) })
	slices.Sort(created)
	if w.Hooks {
		return nil, fmt.Errorf("%w: stories have no hooks", ErrNoStory)
	}
	if len(created) > 0 {
		t.setUp = append(t.setUp, "container "+strings.Join(created, " "))
	}
	if len(later) > 0 {
		t.setUp = append(t.setUp, "later "+strings.Join(later, " "))
	}
	if w.IgnoreTerm {
		t.setUp = append(t.setUp, "ignoring TERM")
	}
	if w.Running {
		for _, name := range created {
			t.setUp = append(t.setUp, "start "+name)
		}
	}
	for _, r := range rules {
		t.events = append(t.events, event{line: "fault " + r})
	}
	return t, t.look()
}

// nameOf is the container of an operation in stories.
func nameOf(op scenarios.Op) string {
	if op.Container == "" {
		return "c1"
	}
	return op.Container
}

// add makes an event of an operation.
func (t *teller) add(i int, op scenarios.Op) error {
	name, label := nameOf(op), string(rune('A'+i))
	call := func(text string) {
		t.events = append(t.events, event{line: text + " as " + label, label: label})
	}
	switch op.Kind {
	case scenarios.Start, scenarios.Remove, scenarios.Create, scenarios.Update:
		call(fmt.Sprintf("%s %s", op.Kind, name))
	case scenarios.Status:
		call("read " + name)
	case scenarios.Stop, scenarios.Exec:
		text := fmt.Sprintf("%s %s", op.Kind, name)
		if op.Timeout > 0 {
			text += fmt.Sprintf(" timeout=%v", op.Timeout)
		}
		call(text)
	case scenarios.StopSandbox, scenarios.RemoveSandbox:
		call(string(op.Kind))
	case scenarios.Exit:
		t.events = append(t.events, event{line: fmt.Sprintf("exit %s code=%d", name, op.Code), about: name})
	case scenarios.OOM:
		t.events = append(t.events, event{line: "oom " + name, about: name})
	case scenarios.Crash, scenarios.Restart:
		t.events = append(t.events, event{line: string(op.Kind)})
	case scenarios.Watch, scenarios.Stall:
		watch := "watch as " + label
		if op.Kind == scenarios.Stall {
			watch = "watch stalled as " + label
		}
		t.setUp = append(t.setUp, watch)
	default:
		return fmt.Errorf("%w: there is no %s in stories", ErrNoStory, op)
	}
	return nil
}

// look runs the events one after the other and notes which points they come to.
func (t *teller) look() error {
	var mu sync.Mutex
	seen := map[string]bool{}
	order := make([]int, len(t.events))
	for i := range order {
		order[i] = i
	}
	lines := t.lines(order, nil)
	s, err := t.parse(lines)
	if err != nil {
		return err
	}
	_, err = run(s, t.variant.Name, false, func(_ context.Context, at, _ string) error {
		sim.Quietly(func() {
			mu.Lock()
			defer mu.Unlock()
			if site.MatchString(at) {
				seen[at] = true
			}
		})
		return nil
	})
	t.sites = sortedKeys(seen)
	return err
}

// hold says where an event is held, and before which it goes on: that many of those
// after it come first.
type hold struct {
	event int
	site  string
	after int
}

// search tries the stories with that many holds.
func (t *teller) search(holds int) *Scenario {
	var found *Scenario
	permutations(len(t.events), func(order []int) bool {
		t.holds(order, holds, nil, func(h []hold) bool {
			found = t.try(order, h)
			return found == nil && t.tried < storyBudget
		})
		return found == nil && t.tried < storyBudget
	})
	return found
}

// holds calls with each choice of n holds, until that returns false.
func (t *teller) holds(order []int, n int, chosen []hold, with func([]hold) bool) bool {
	if n == 0 {
		return with(chosen)
	}
	from := 0
	if len(chosen) > 0 {
		from = slices.Index(order, chosen[len(chosen)-1].event) + 1
	}
	for at := from; at < len(order); at++ {
		e := t.events[order[at]]
		if e.label == "" && e.about == "" {
			continue
		}
		for _, where := range t.sites {
			for after := 1; at+after < len(order); after++ {
				if !t.holds(order, n-1, append(slices.Clone(chosen), hold{order[at], where, after}), with) {
					return false
				}
			}
		}
	}
	return true
}

// lines are the steps of a story.
func (t *teller) lines(order []int, holds []hold) []string {
	lines := slices.Clone(t.setUp)
	goOn := map[int][]string{} // by place in the order after which it happens
	held, waiting := 0, []string(nil)
	for at, i := range order {
		e := t.events[i]
		h := slices.IndexFunc(holds, func(h hold) bool { return h.event == i })
		if h >= 0 {
			held++
		}
		switch {
		case h < 0 && e.label != "" && held > 0: // it may have to wait for who is held
			lines = append(lines, e.line, "go "+e.label)
			waiting = append(waiting, "finish "+e.label)
		case h < 0 && e.label != "":
			lines = append(lines, e.line, "finish "+e.label)
		case h < 0:
			lines = append(lines, e.line)
		case e.label != "":
			lines = append(lines, e.line, fmt.Sprintf("until %s at %s", e.label, holds[h].site))
			goOn[at+holds[h].after] = append(goOn[at+holds[h].after], "finish "+e.label)
		default:
			lines = append(lines, fmt.Sprintf("hold %s at %s", e.about, holds[h].site), e.line)
			goOn[at+holds[h].after] = append(goOn[at+holds[h].after], fmt.Sprintf("release %s at %s", e.about, holds[h].site))
		}
		lines = append(lines, goOn[at]...)
		held -= len(goOn[at])
	}
	return append(lines, waiting...)
}

// try returns the story if it violates what it should.
func (t *teller) try(order []int, holds []hold) *Scenario {
	t.tried++
	s, err := t.parse(t.lines(order, holds))
	if err != nil {
		return nil
	}
	// A call that waits for one that is held, and that the story waits for, would take
	// an hour of its time.
	r, err := run(s, t.variant.Name, false, nil)
	if err != nil || r.Invariant() != t.invariant {
		return nil
	}
	return s
}

func (t *teller) parse(lines []string) (*Scenario, error) {
	property, breaks := t.invariant, t.variant.Name
	if !isInvariant(property) {
		property, breaks = Story, breaks+"="+property
	}
	if t.variant.Name == Reference {
		breaks = "none"
	}
	return Parse("new.txt", fmt.Sprintf(
		"%s\ntitle: found by a search on %s\nreports: none known\ninvariant: %s\nbreaks: %s\n\n%s\n",
		Version, t.variant.Name, property, breaks, strings.Join(lines, "\n")))
}

// finish tells what happens in words, and records what the variant prints.
func (t *teller) finish(s *Scenario) (*Scenario, error) {
	var told []Line
	step := 0
	for i, l := range s.Lines {
		word, rest, _ := strings.Cut(l.Text, " ")
		var words string
		switch word {
		case "until":
			who, where, _ := strings.Cut(rest, " at ")
			words = fmt.Sprintf("%s is held at %s.", t.who(who), where)
		case "finish", "release":
			words = fmt.Sprintf("%s goes on.", t.who(strings.Fields(rest)[0]))
		case "hold":
			name, where, _ := strings.Cut(rest, " at ")
			words = fmt.Sprintf("whoever is the first at %s about %s is held there.", where, name)
		}
		// The comment belongs above the line that begins the call.
		at := len(told)
		first := i > 0 && strings.HasSuffix(s.Lines[i-1].Text, " as "+rest)
		switch {
		case word == "until":
			at--
		case word == "go" && first:
			at--
			words = t.who(rest) + ", as far as it can go."
		case word == "finish" && first:
			at--
			words = t.who(rest) + ", from beginning to end."
		case word == "finish" && i > 0 && strings.HasPrefix(s.Lines[i-1].Text, "finish "):
			words = ""
		}
		if words != "" {
			step++
			told = slices.Insert(told, at, Line{}, Line{Text: fmt.Sprintf("# Step %d: %s", step, words)})
		}
		told = append(told, l)
	}
	s.Lines = told
	r, err := Run(s, t.variant.Name, false)
	if err != nil {
		return nil, err
	}
	printed := map[string]string{t.variant.Name: r.Output}
	if ref, err := Run(s, Reference, false); err == nil && t.variant.Name != Reference {
		printed[Reference] = ref.Output
	}
	s.SetOutputs(printed)
	return s, nil
}

// who is a call in words.
func (t *teller) who(label string) string {
	for _, e := range t.events {
		if e.label == label && label != "" {
			return strings.TrimSuffix(e.line, " as "+label)
		}
	}
	return "who is held"
}

// permutations calls with each order of n, the given one first, until that returns
// false.
func permutations(n int, with func([]int) bool) {
	var next func(order []int) bool
	next = func(order []int) bool {
		if len(order) == n {
			return with(order)
		}
		for i := range n {
			if !slices.Contains(order, i) && !next(append(slices.Clone(order), i)) {
				return false
			}
		}
		return true
	}
	next(nil)
}
