package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// shivizParser is what ShiViz parses the log with: it takes the first line for
// the expression, and the second one, here empty, for what separates executions.
const shivizParser = `(?<host>\S+) (?<clock>{.*})\n(?<event>.*)`

// ShiViz writes the trace as a log with vector clocks for ShiViz (Beschastnikh
// et al., Visualizing distributed system executions, TOSEM 2020). Each step is
// two lines, in an order that agrees with the clocks:
//
//	start {"main":3,"start":1}
//	Lock #3 exit_test.go:21
func (t Trace) ShiViz(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n\n", shivizParser)
	c := newCausality(t)
	clocks := c.clocks(t)
	hosts := t.hosts()
	for _, i := range c.order {
		s := t.Steps[i]
		clock := map[string]int{}
		for lane, n := range clocks[i] {
			if n > 0 {
				clock[hosts[lane]] = n
			}
		}
		text, err := json.Marshal(clock)
		if err != nil {
			return fmt.Errorf("write ShiViz log: %w", err)
		}
		fmt.Fprintf(b, "%s %s\n%s\n", hosts[s.Lane], text, s.described())
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write ShiViz log: %w", err)
	}
	return nil
}

// hosts are the names of the lanes without white space, each one only once.
func (t Trace) hosts() []string {
	count := len(t.Lanes)
	for _, s := range t.Steps {
		count = max(count, s.Lane+1)
	}
	hosts := make([]string, count)
	taken := map[string]bool{}
	for lane := range hosts {
		name := strings.Join(strings.Fields(t.laneName(lane)), "_")
		host := name
		for n := 2; taken[host]; n++ {
			host = fmt.Sprintf("%s_%d", name, n)
		}
		hosts[lane], taken[host] = host, true
	}
	return hosts
}

// described is the text of a step with its position and its marks.
func (s Step) described() string {
	text := s.label()
	if site := cleanLine(s.Site); site != "" {
		text += " " + site
	}
	switch {
	case s.Switch && s.Necessary:
		text += " [preempted, necessary]"
	case s.Switch:
		text += " [preempted]"
	case s.Necessary:
		text += " [necessary]"
	}
	return text
}
