package report

import (
	_ "embed" // the parts of the page
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"
)

// Page is what [HTML] shows: a failure and, if they are known, the executions
// to compare it with.
type Page struct {
	Failure
	Found   *Trace // the execution that was found, before shrinking
	Passing *Trace // the nearest execution that does not fail
}

// pageSteps is how many steps of an execution a page has; the last ones count.
const pageSteps = 4000

// HTML writes one page that needs nothing else, no network either: lanes with
// steps, waits and preemptions; what happens before and after a step; the
// execution as it was found, and the nearest one that passes. Without scripts
// it shows the text of the report.
func HTML(w io.Writer, p Page) error {
	data := pageData{Failing: newPageTrace(&p.Trace), Found: newPageTrace(p.Found), Passing: newPageTrace(p.Passing)}
	text := cleanText(p.Text(TextOptions{})) // commands are printed as they are
	err := page.Execute(w, map[string]any{
		"Style": template.CSS(pageStyle), "Script": template.JS(pageScript), //nolint:gosec // ours
		"Title": cleanLine(p.Title), "Facts": cleanLines(p.Facts), "Cause": p.Trace.Cause(),
		"Detail":   cleanText(p.Detail),
		"Commands": cleanLines(p.Commands), "Data": data, "Text": text,
	})
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

var (
	//go:embed page/page.html
	pageSource string
	//go:embed page/page.css
	pageStyle string
	//go:embed page/page.js
	pageScript string

	page = template.Must(template.New("page").Parse(pageSource))
)

// The data of the script.
type (
	pageData struct {
		Failing *pageTrace `json:"failing"`
		Found   *pageTrace `json:"found"`
		Passing *pageTrace `json:"passing"`
	}
	pageTrace struct {
		Lanes []string   `json:"lanes"`
		Steps []pageStep `json:"steps"`
		First int        `json:"first"` // number of the first step
		Total int        `json:"total"`
		Clock bool       `json:"clock"` // virtual time passes
	}
	pageStep struct {
		Lane      int    `json:"lane"`
		Text      string `json:"text"`
		Op        string `json:"op"`
		Site      string `json:"site"`
		Object    string `json:"object"`
		Time      string `json:"time"`
		Switch    bool   `json:"switch"`
		Blocked   bool   `json:"blocked"`
		Necessary bool   `json:"necessary"`
		Shown     bool   `json:"shown"` // also if only notable steps are
		After     []int  `json:"after"`
	}
)

func newPageTrace(t *Trace) *pageTrace {
	if t == nil || len(t.Steps) == 0 {
		return nil
	}
	first := max(len(t.Steps)-pageSteps, 0)
	p := &pageTrace{First: first + 1, Total: len(t.Steps)}
	shown := shownSteps(*t, false)
	for i, s := range t.Steps[first:] {
		_, notable := slices.BinarySearch(shown, first+i)
		step := pageStep{
			Lane: s.Lane, Text: s.label(), Op: cleanLine(s.Op), Site: cleanLine(s.Site), Object: cleanLine(s.Object),
			Time: time.Duration(s.Time).String(), Switch: s.Switch, Blocked: s.Blocked, Necessary: s.Necessary,
			Shown: notable, After: []int{},
		}
		for _, j := range s.After {
			if j >= first && j < len(t.Steps) {
				step.After = append(step.After, j-first)
			}
		}
		p.Clock = p.Clock || s.Time != 0
		p.Steps = append(p.Steps, step)
		for lane := len(p.Lanes); lane <= s.Lane; lane++ {
			p.Lanes = append(p.Lanes, t.laneName(lane))
		}
	}
	return p
}

func cleanLines(lines []string) []string {
	clean := make([]string, len(lines))
	for i, line := range lines {
		clean[i] = cleanLine(line)
	}
	return clean
}
