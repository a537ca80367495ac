package mutants

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Mutant is a fault in the reference.
type Mutant struct {
	Name string // lower-case words with hyphens; the name of a directory
	Rule string // the rule that it breaks, one sentence, and where that comes from
	File string // of package impl
	Old  string // text that occurs in File exactly once
	New  string // what takes its place
	More []Edit // further edits, if one is not enough
	// By are the invariants, or kinds of failures of package sim, that are meant
	// to see it, the likeliest first.
	By []string
}

// Edit is a change of a file.
type Edit struct{ File, Old, New string }

// Control is the mutant that changes nothing.
var Control = Mutant{Name: "control", Rule: "Nothing is changed."}

// All returns the mutants, in the order of the files that they change.
func All() []Mutant {
	return slices.Concat(start(), exits(), stop(), remove(), restart(), sandboxes(), updates(), told())
}

// edits are all of m's.
func (m Mutant) edits() []Edit {
	if m.File == "" {
		return nil
	}
	return append([]Edit{{m.File, m.Old, m.New}}, m.More...)
}

// Apply returns the files, source texts by name, with m's edits. An edit that
// does not fit is an error that names m and says what to do.
func (m Mutant) Apply(files map[string][]byte) (map[string][]byte, error) {
	changed := maps.Clone(files)
	for _, e := range m.edits() {
		text, ok := changed[e.File]
		if !ok {
			return nil, fmt.Errorf("mutant %s: there is no %s any more: name the file that has the rule now", m.Name, e.File)
		}
		if n := bytes.Count(text, []byte(e.Old)); n != 1 {
			return nil, fmt.Errorf("mutant %s: the text to replace occurs %d times in %s, not once: adapt it to the code\n%s",
				m.Name, n, e.File, indent(e.Old))
		}
		changed[e.File] = bytes.Replace(text, []byte(e.Old), []byte(e.New), 1)
	}
	return changed, nil
}

func indent(text string) string { return "\t" + strings.ReplaceAll(text, "\n", "\n\t") }

var wellNamed = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Select returns the mutants of these names, all of them for none.
func Select(names []string) ([]Mutant, error) {
	if len(names) == 0 {
		return All(), nil
	}
	var selected []Mutant
	for _, name := range names {
		if name == Control.Name {
			selected = append(selected, Control)
			continue
		}
		i := slices.IndexFunc(All(), func(m Mutant) bool { return m.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no mutant %q; --list shows them", name)
		}
		selected = append(selected, All()[i])
	}
	return selected, nil
}
