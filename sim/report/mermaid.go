package report

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// mermaidRows limits the steps of a diagram, and so its messages and notes to
// less than 60; more than that nobody reads, and forges refuse to draw.
const (
	mermaidRows  = 40
	mermaidNotes = 15
	mermaidText  = 60
)

// Mermaid writes the steps that the table of a report shows as a Mermaid
// sequenceDiagram, which GitHub and GitLab draw in comments and summaries. A
// step that depends on ones of another goroutine is a message from there, others
// are messages of a goroutine to itself. A ! marks necessary ones.
func (t Trace) Mermaid(w io.Writer) error {
	shown := limit(t, shownSteps(t, false), mermaidRows)
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "sequenceDiagram")
	var lanes []int
	for _, i := range shown {
		if lane := t.Steps[i].Lane; !slices.Contains(lanes, lane) {
			lanes = append(lanes, lane)
			fmt.Fprintf(b, "    participant g%d as %s\n", lane, mermaidEscape(t.laneName(lane)))
		}
	}
	m := mermaid{Trace: t, clocks: newCausality(t).clocks(t), notes: mermaidNotes}
	for _, i := range shown {
		m.step(b, i)
		m.shown = append(m.shown, i)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write Mermaid diagram: %w", err)
	}
	return nil
}

type mermaid struct {
	Trace
	clocks [][]int
	shown  []int // so far
	notes  int   // that are left
}

func (m *mermaid) step(b *bufio.Writer, i int) {
	s := m.Steps[i]
	text := s.label()
	if site := cleanLine(s.Site); site != "" {
		text = truncate(text, mermaidText) + " · " + site
	}
	mark := ""
	if s.Necessary {
		mark = "! "
	}
	fmt.Fprintf(b, "    g%d->>g%d: %d %s%s\n", m.from(i), s.Lane, i+1, mark, mermaidEscape(text))
	if s.Switch && m.notes > 0 {
		m.notes--
		fmt.Fprintf(b, "    Note right of g%d: preempted\n", s.Lane)
	}
}

// from is the goroutine from which a step has news: that of the last step in the
// picture that happens before it, and is below the one above in its lane or does
// not happen before that. If there is none it is the step's own.
func (m *mermaid) from(i int) int {
	known := func(clock []int, j int) bool {
		lane := m.Steps[j].Lane
		return clock[lane] >= m.clocks[j][lane]
	}
	lane, above := m.Steps[i].Lane, -1
	for _, j := range slices.Backward(m.shown) {
		if m.Steps[j].Lane == lane {
			above = j
			break
		}
	}
	for _, j := range slices.Backward(m.shown) {
		if m.Steps[j].Lane != lane && known(m.clocks[i], j) && (j > above || !known(m.clocks[above], j)) {
			return m.Steps[j].Lane
		}
	}
	return lane
}

// mermaidWord is what the grammar takes for the end of a block.
var mermaidWord = regexp.MustCompile(`(?i)\bend\b`)

// mermaidEscape writes what Mermaid or a browser would interpret as entities.
func mermaidEscape(text string) string {
	text = strings.NewReplacer(
		"#", "#35;", ";", "#59;", "<", "#lt;", ">", "#gt;", "&", "#amp;", `"`, "#quot;", "%", "#37;", ":", "#58;",
		"[", "#91;", "]", "#93;", "{", "#123;", "}", "#125;", "`", "#96;", "\\", "#92;", "*", "#42;", "_", "#95;", "$", "#36;", "~", "#126;",
	).Replace(truncate(cleanLine(text), 2*mermaidText))
	return mermaidWord.ReplaceAllStringFunc(text, func(word string) string {
		return word[:1] + "#110;" + word[2:]
	})
}
