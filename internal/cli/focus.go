package cli

import (
	"fmt"
	"strings"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// Names of a focus.
const (
	focusAll     = "all"
	focusProgram = "program"
)

// focusOf reads a focus. Without one a search that means to be exhaustive has
// that of the program.
func focusOf(text string, s strategy.Strategy) ([]string, error) {
	if text == "" {
		text = focusAll
		if _, ok := s.(strategy.DPOR); ok {
			text = focusProgram
		}
	}
	switch text {
	case focusAll:
		return nil, nil
	case focusProgram:
		return scenarios.Focus(), nil
	}
	return sim.ParseFocus(text)
}

// covered says what an exhausted search has covered, and what was in focus.
func (o outcome) covered() string {
	var b strings.Builder
	switch {
	case o.Verdict == verdictAll && o.Inequivalent > 0:
		fmt.Fprintf(&b, "\n%s: all %d inequivalent executions", o.Name, o.Inequivalent)
	case o.Verdict == verdictAll:
		fmt.Fprintf(&b, "\n%s: all %d executions", o.Name, o.Executions)
	case len(o.Focus) > 0:
		fmt.Fprintf(&b, "\n%s: in focus were %s\n", o.Name, strings.Join(o.Focus, ","))
		return b.String()
	default:
		return ""
	}
	if len(o.Bounds) > 0 {
		b.WriteString(" within these bounds:\n  " + strings.Join(o.Bounds, "\n  "))
	}
	b.WriteString("\n")
	return b.String()
}
