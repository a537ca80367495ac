package script

import (
	"fmt"
	"slices"
	"strings"

	"github.com/startrace/startrace/scenarios"
)

// Version is the first line of each file.
const Version = "# scenario v1"

// Scenario is a reported race, told step by step.
type Scenario struct {
	ID       string   // of the file name, as 001
	Name     string   // of the file name, as 001-exit-before-running
	Title    string   // one line: what happens
	Reports  []string // who reported it, as containerd#3177
	First    string   // first bad version or commit; "" if unknown
	Fixed    string   // first good one, or that it is open; "" if unknown
	Users    string   // what a user saw
	Property string   // the invariant that is violated, as I3

	// Breaks are the variants that violate it, with the invariant that shows first
	// where that is another one, or [Story]. Passes are those that do not. A race that
	// no variant has is here to keep the reference from it.
	Breaks map[string]string
	Passes []string

	// Options of the world.
	Containers []string
	Later      []string // containers that a step creates
	IgnoreTerm bool

	Lines   []Line
	Outputs []Output

	kinds  []scenarios.OpKind // what happens
	faults bool
}

// Line is a line of the story: a step, or a comment.
type Line struct {
	Number int
	Text   string // without spaces around it
	step   step   // nil for a comment or an empty line
}

// Output is what the run of some variants printed.
type Output struct {
	Variants []string
	Text     string
}

// Variants returns the names of all variants that the scenario is about, the
// reference last.
func (s *Scenario) Variants() []string {
	names := append(sortedKeys(s.Breaks), s.Passes...)
	return append(slices.DeleteFunc(names, func(n string) bool { return n == Reference }), Reference)
}

// Broken returns the names of the variants that have the race, the oldest first.
func (s *Scenario) Broken() []string {
	var names []string
	for _, v := range scenarios.All() {
		if _, ok := s.Breaks[v.Name]; ok {
			names = append(names, v.Name)
		}
	}
	return names
}

// Breaking returns the invariant that a variant violates first, "" if it passes.
func (s *Scenario) Breaking(variant string) string { return s.Breaks[variant] }

// Output returns what the run of a variant printed when it was recorded.
func (s *Scenario) Output(variant string) (string, bool) {
	for _, o := range s.Outputs {
		if slices.Contains(o.Variants, variant) {
			return o.Text, true
		}
	}
	return "", false
}

// SetOutputs records what the variants printed; equal outputs become one.
func (s *Scenario) SetOutputs(printed map[string]string) {
	s.Outputs = nil
	for _, v := range s.Variants() {
		text, ok := printed[v]
		if !ok {
			continue
		}
		i := slices.IndexFunc(s.Outputs, func(o Output) bool { return o.Text == text })
		if i < 0 {
			i = len(s.Outputs)
			s.Outputs = append(s.Outputs, Output{Text: text})
		}
		s.Outputs[i].Variants = append(s.Outputs[i].Variants, v)
	}
}

// headerLine is a line above the story.
type headerLine struct {
	key string
	get func(*Scenario) string
	set func(*Scenario, string) error
}

// header are the lines above the story, in this order.
var header = []headerLine{
	{"title", func(s *Scenario) string { return s.Title }, func(s *Scenario, v string) error { s.Title = v; return nil }},
	{"reports", func(s *Scenario) string { return strings.Join(s.Reports, ", ") }, func(s *Scenario, v string) error {
		s.Reports = list(v)
		return nil
	}},
	{"first bad", func(s *Scenario) string { return s.First }, func(s *Scenario, v string) error { s.First = v; return nil }},
	{"first good", func(s *Scenario) string { return s.Fixed }, func(s *Scenario, v string) error { s.Fixed = v; return nil }},
	{"users saw", func(s *Scenario) string { return s.Users }, func(s *Scenario, v string) error { s.Users = v; return nil }},
	{"invariant", func(s *Scenario) string { return s.Property }, func(s *Scenario, v string) error {
		if !isInvariant(v) {
			return fmt.Errorf("%q is no invariant: they are I0 to I21", v)
		}
		s.Property = v
		return nil
	}},
	{"breaks", breaksText, setBreaks},
	{"passes", func(s *Scenario) string { return strings.Join(s.Passes, ", ") }, func(s *Scenario, v string) error {
		s.Passes = list(v)
		return checkVariants(s.Passes)
	}},
}

func breaksText(s *Scenario) string {
	var all []string
	for _, v := range sortedKeys(s.Breaks) {
		if by := s.Breaks[v]; by != s.Property {
			v += "=" + by
		}
		all = append(all, v)
	}
	if len(all) == 0 && s.Breaks != nil {
		return "none"
	}
	return strings.Join(all, ", ")
}

func setBreaks(s *Scenario, text string) error {
	s.Breaks = map[string]string{}
	if text == "none" {
		return nil
	}
	var names []string
	for _, v := range list(text) {
		name, by, other := strings.Cut(v, "=")
		if !other {
			by = s.Property
		}
		if !isInvariant(by) {
			return fmt.Errorf("%q of %s is no invariant: the line invariant comes before this one", by, name)
		}
		s.Breaks[name] = by
		names = append(names, name)
	}
	return checkVariants(names)
}

// list returns what stands between commas.
func list(text string) []string {
	var all []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// String returns the text of the file.
func (s *Scenario) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, Version)
	for _, h := range header {
		if v := h.get(s); v != "" {
			fmt.Fprintf(&b, "%s: %s\n", h.key, v)
		}
	}
	fmt.Fprintln(&b)
	for _, l := range s.Lines {
		fmt.Fprintln(&b, l.Text)
	}
	for _, o := range s.Outputs {
		fmt.Fprintf(&b, "\n%s %s\n%s", outputMark, strings.Join(o.Variants, ", "), o.Text)
	}
	return b.String()
}
