// Package museum writes the reported races of package scenarios/script as static
// pages: an index by project, invariant and operation, and for each race its story,
// what each variant does in it, and the failing run drawn beside the passing one.
package museum

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/scenarios/script"
	"github.com/startrace/startrace/sim/report"
)

//go:embed *.tmpl
var files embed.FS

var templates = template.Must(template.New("").ParseFS(files, "*.tmpl"))

// group is a list of the index.
type group struct {
	Title string
	Items []groupItem
}

type groupItem struct {
	Name  string
	Races []*script.Scenario
}

// page is what the template of a race gets.
type page struct {
	*script.Scenario
	Invariant model.Invariant
	Runs      []run
	Before    *script.Scenario
	After     *script.Scenario
}

// run is what one or more variants do.
type run struct {
	Variants string
	Violates string // "" if nothing
	Output   string
	Drawing  string // file of the drawing; "" if there is none
}

// Write writes the pages into a directory, which is made if need be. Equal scenarios
// give equal files. It executes every scenario, and so needs the controlled runtime.
func Write(dir string, all []*script.Scenario) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i, s := range all {
		p := page{Scenario: s, Invariant: invariant(s.Property)}
		if i > 0 {
			p.Before = all[i-1]
		}
		if i+1 < len(all) {
			p.After = all[i+1]
		}
		var err error
		if p.Runs, err = draw(dir, s); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		if err := execute(filepath.Join(dir, s.Name+".html"), "race.tmpl", p); err != nil {
			return err
		}
	}
	return execute(filepath.Join(dir, "index.html"), "index.tmpl", struct {
		Races    []*script.Scenario
		Groups   []group
		Variants []scenarios.Variant
	}{all, groups(all), scenarios.All()})
}

// draw runs s on each variant and writes a drawing of the newest that violates
// something, beside the reference.
func draw(dir string, s *script.Scenario) ([]run, error) {
	passing, err := script.Run(s, script.Reference, true)
	if err != nil {
		return nil, err
	}
	newest := ""
	if broken := s.Broken(); len(broken) > 0 {
		newest = broken[len(broken)-1]
	}
	var runs []run
	for _, o := range s.Outputs {
		r := run{Variants: strings.Join(o.Variants, ", "), Output: o.Text, Violates: s.Breaks[o.Variants[0]]}
		if slices.Contains(o.Variants, newest) {
			failing, err := script.Run(s, newest, true)
			if err != nil {
				return nil, err
			}
			r.Drawing = s.Name + ".run.html"
			if err := drawing(filepath.Join(dir, r.Drawing), s, newest, failing, passing); err != nil {
				return nil, err
			}
		}
		runs = append(runs, r)
	}
	if newest == "" && passing.Execution.Trace != nil {
		name := s.Name + ".run.html"
		if err := drawing(filepath.Join(dir, name), s, script.Reference, passing, passing); err != nil {
			return nil, err
		}
		runs[len(runs)-1].Drawing = name
	}
	slices.SortStableFunc(runs, func(a, b run) int { return -cmp.Compare(a.Drawing, b.Drawing) })
	return runs, nil
}

func drawing(file string, s *script.Scenario, variant string, failing, passing script.Result) error {
	p := report.Page{Failure: report.Failure{
		Title:    s.Title + ": " + variant,
		Detail:   failing.Output,
		Trace:    *failing.Execution.Trace,
		Commands: []string{"startrace scenarios run " + s.ID + " --variant " + variant},
	}}
	if variant != script.Reference {
		p.Passing = passing.Execution.Trace
	}
	var b bytes.Buffer
	if err := report.HTML(&b, p); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

func execute(file, name string, data any) error {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

func invariant(id string) model.Invariant {
	for _, inv := range model.Invariants {
		if inv.ID == id {
			return inv
		}
	}
	return model.Invariant{ID: id, Name: "the story", Sentence: "All is as the story has it."}
}

// groups are the lists of the index.
func groups(all []*script.Scenario) []group {
	by := func(title string, keys func(*script.Scenario) []string) group {
		races := map[string][]*script.Scenario{}
		for _, s := range all {
			for _, k := range keys(s) {
				races[k] = append(races[k], s)
			}
		}
		g := group{Title: title}
		for name, list := range races {
			g.Items = append(g.Items, groupItem{name, list})
		}
		slices.SortFunc(g.Items, func(a, b groupItem) int {
			return cmp.Or(-cmp.Compare(len(a.Races), len(b.Races)), cmp.Compare(a.Name, b.Name))
		})
		return g
	}
	return []group{
		by("project", func(s *script.Scenario) []string {
			var names []string
			for _, r := range s.Links() {
				if r.Project != "" && !slices.Contains(names, r.Project) {
					names = append(names, r.Project)
				}
			}
			if len(names) == 0 {
				names = []string{"no report known"}
			}
			return names
		}),
		by("invariant", func(s *script.Scenario) []string {
			inv := invariant(s.Property)
			return []string{inv.ID + " " + inv.Name}
		}),
		by("operation", (*script.Scenario).Words),
	}
}
