package script

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// outputMark begins the line above an output.
const outputMark = "---"

// Reference is the name of the variant that passes all scenarios.
const Reference = "reference"

// Error is what is wrong with a file, and where.
type Error struct {
	File         string
	Line, Column int // from 1
	Text         string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text) }

// Parse reads a scenario. Of file it takes the name; errors are of type [*Error].
func Parse(file, text string) (*Scenario, error) {
	name := strings.TrimSuffix(filepath.Base(file), ".txt")
	id, _, _ := strings.Cut(name, "-")
	p := &parser{file: file, s: &Scenario{ID: id, Name: name}}
	return p.s, p.parse(strings.Split(strings.TrimRight(text, "\n"), "\n"))
}

type parser struct {
	file string
	line int // the present one, from 1
	s    *Scenario
	ops  map[string]bool // what steps have named so far

	about map[string]string // which container a named call is about
	made  map[string]bool   // the containers that a step creates
}

func (p *parser) errorf(column int, format string, args ...any) error {
	return &Error{p.file, p.line, column, fmt.Sprintf(format, args...)}
}

func (p *parser) parse(lines []string) error {
	p.line = 1
	if lines[0] != Version {
		return p.errorf(1, "the first line has to be %q; this is another version, or no scenario", Version)
	}
	rest, err := p.header(lines[1:])
	if err != nil {
		return err
	}
	p.ops, p.about, p.made = map[string]bool{}, map[string]string{}, map[string]bool{}
	for i, l := range rest {
		if strings.HasPrefix(l, outputMark) {
			if err := p.outputs(rest[i:]); err != nil {
				return err
			}
			break
		}
		p.line++
		if err := p.story(l); err != nil {
			return err
		}
	}
	p.trim()
	if len(p.s.Containers)+len(p.s.Later) == 0 {
		return p.errorf(1, "the story has no container: it begins with one, as in \"container c1\"")
	}
	return nil
}

// header reads up to the first empty line, and returns what is below it.
func (p *parser) header(lines []string) ([]string, error) {
	for i, l := range lines {
		p.line++
		if l == "" {
			return lines[i+1:], p.complete()
		}
		key, value, ok := strings.Cut(l, ":")
		known := slices.IndexFunc(header, func(h headerLine) bool { return h.key == key })
		if !ok || known < 0 {
			return nil, p.errorf(1, "unknown line %q: above the first empty line there are %s", l, headerKeys())
		}
		if header[known].get(p.s) != "" {
			return nil, p.errorf(1, "%s stands there twice", key)
		}
		value = strings.TrimSpace(value)
		if err := header[known].set(p.s, value); err != nil {
			return nil, p.errorf(len(key)+3, "%v", err)
		}
	}
	return nil, p.errorf(1, "there is no story: it begins after an empty line")
}

// complete returns an error if something is missing above the story.
func (p *parser) complete() error {
	switch {
	case p.s.Title == "":
		return p.errorf(1, "the title is missing")
	case len(p.s.Reports) == 0:
		return p.errorf(1, "the reports are missing: who has seen it, or \"none known\"")
	case p.s.Property == "":
		return p.errorf(1, "the invariant is missing")
	case p.s.Breaks == nil:
		return p.errorf(1, "the variants that break are missing, or \"none\"")
	}
	if _, ok := p.s.Breaks[Reference]; ok {
		return p.errorf(1, "the reference breaks it: then it is no scenario yet, but a bug")
	}
	return nil
}

// story reads a line of the story.
func (p *parser) story(text string) error {
	l := Line{Number: p.line, Text: strings.TrimSpace(text)}
	if l.Text != "" && l.Text[0] != '#' {
		a := &args{p: p, text: text}
		word := a.word()
		c, ok := vocabulary()[word]
		if !ok {
			return p.errorf(a.at, "unknown command %q: there are %s", word, strings.Join(sortedKeys(vocabulary()), ", "))
		}
		step, err := c.parse(a)
		if err == nil {
			err = a.end()
		}
		if err != nil {
			return err
		}
		l.step = step
	}
	p.s.Lines = append(p.s.Lines, l)
	return nil
}

// trim takes empty lines from both ends of the story.
func (p *parser) trim() {
	empty := func(l Line) bool { return l.Text == "" }
	for len(p.s.Lines) > 0 && empty(p.s.Lines[0]) {
		p.s.Lines = p.s.Lines[1:]
	}
	for n := len(p.s.Lines); n > 0 && empty(p.s.Lines[n-1]); n-- {
		p.s.Lines = p.s.Lines[:n-1]
	}
}

func (p *parser) outputs(lines []string) error {
	for _, l := range lines {
		p.line++
		if mark, ok := strings.CutPrefix(l, outputMark); ok {
			names := list(mark)
			if err := checkVariants(names); err != nil {
				return p.errorf(len(outputMark)+2, "%v", err)
			}
			p.s.Outputs = append(p.s.Outputs, Output{Variants: names})
			continue
		}
		last := &p.s.Outputs[len(p.s.Outputs)-1]
		last.Text += l + "\n"
	}
	for i := range p.s.Outputs {
		p.s.Outputs[i].Text = strings.TrimRight(p.s.Outputs[i].Text, "\n") + "\n"
	}
	return nil
}

func isInvariant(id string) bool {
	return id == Story || id == model.LinearizableID || slices.ContainsFunc(model.Invariants, func(i model.Invariant) bool { return i.ID == id })
}

func checkVariants(names []string) error {
	for _, n := range names {
		if _, err := scenarios.Lookup(n); err != nil {
			return err
		}
	}
	return nil
}

func headerKeys() string {
	var keys []string
	for _, h := range header {
		keys = append(keys, h.key)
	}
	return strings.Join(keys, ", ")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
