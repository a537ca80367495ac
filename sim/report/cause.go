package report

import (
	"fmt"
	"strings"
)

// maxCauses is how many necessary choices are told in words.
const maxCauses = 8

// Cause says in words which choices of the execution are necessary for its
// failure: a sentence, and a line for each of them. It is nil if none is known
// to be.
func (t Trace) Cause() []string {
	var lines []string
	n := 0
	for i, s := range t.Steps {
		if !s.Necessary {
			continue
		}
		if n++; n <= maxCauses {
			lines = append(lines, fmt.Sprintf("step %d: %s", i+1, t.choice(i)))
		}
	}
	if n > maxCauses {
		lines = append(lines, fmt.Sprintf("… and %d more", n-maxCauses))
	}
	switch n {
	case 0:
		return nil
	case 1:
		return append([]string{"One choice makes the failure; without it this execution does not fail:"}, lines...)
	}
	return append([]string{fmt.Sprintf("%d choices make the failure; without any one of them this execution does not fail:", n)}, lines...)
}

// choice says what was chosen at a step.
func (t Trace) choice(i int) string {
	s := t.Steps[i]
	who, next := t.laneName(s.Lane), ""
	if i+1 < len(t.Steps) {
		next = t.laneName(t.Steps[i+1].Lane)
	}
	text := s.label()
	if site := cleanLine(s.Site); site != "" {
		text += " at " + site
	}
	const outOfTurn = "goes on, before others whose turn it was"
	switch {
	case s.Switch && s.Op == "go":
		return fmt.Sprintf("%s is preempted after %s, and %s goes on", who, text, next)
	case s.Switch:
		return fmt.Sprintf("%s is preempted before %s, and %s goes on", who, text, next)
	case s.Blocked:
		return fmt.Sprintf("%s blocks in %s, and %s %s", who, strings.Replace(text, " (blocks)", "", 1), next, outOfTurn)
	case s.Op == "exit":
		return fmt.Sprintf("%s ends, and %s %s", who, next, outOfTurn)
	}
	return fmt.Sprintf("%s: %s", who, text)
}
