package report

import (
	"strings"
)

// Failure is all that is known about one failed execution.
type Failure struct {
	Title    string   // violated invariant, deadlock, panic, leak, ...; one line
	Detail   string   // more lines: the invariant's sentence, messages, blocked goroutines and their stacks
	Trace    Trace    // the execution, best after shrinking
	Commands []string // to paste into a shell, printed as they are
	Facts    []string // strategy, seed, executions, preemptions before and after shrinking; one line each
}

// TextOptions of Failure.Text. The zero value is good for the output of a test.
type TextOptions struct {
	MaxRows int  // most steps in the table, 40 if 0
	Full    bool // every step, whatever MaxRows says, and not only the visible ones
	Width   int  // columns of the terminal, 120 if 0, at least 60
}

const (
	defaultMaxRows = 40
	defaultWidth   = 120
	minWidth       = 60
	indent         = "  "
)

// Text returns the report: title, facts, cause, table, detail and, last, the
// commands. Parts that are empty are left out. Only these but for the table may be
// wider than opts.Width. It ends with a newline and contains no control
// characters but newlines and tabs, whatever the goroutines logged, unless a
// command does.
func (f Failure) Text(opts TextOptions) string {
	if opts.MaxRows <= 0 {
		opts.MaxRows = defaultMaxRows
	}
	if opts.Width <= 0 {
		opts.Width = defaultWidth
	}
	opts.Width = max(opts.Width, minWidth)

	var sections []string
	add := func(lines ...string) {
		if len(lines) > 0 {
			sections = append(sections, strings.Join(lines, "\n")+"\n")
		}
	}
	if f.Title != "" {
		add(cleanLine(f.Title))
	}
	add(indented(f.Facts)...)
	add(listed(f.Trace.Cause())...)
	add(table(f.Trace, opts)...)
	if detail := strings.Trim(cleanText(f.Detail), "\n"); detail != "" {
		add(indented(strings.Split(detail, "\n"))...)
	}
	if len(f.Commands) > 0 {
		lines := []string{"To reproduce:"}
		for _, command := range f.Commands {
			lines = append(lines, indent+command)
		}
		add(lines...)
	}
	return strings.Join(sections, "\n")
}

// listed indents all lines but the first one deeper.
func listed(lines []string) []string {
	for i := range lines {
		if i > 0 {
			lines[i] = indent + lines[i]
		}
	}
	return indented(lines)
}

func indented(lines []string) []string {
	var result []string
	for _, line := range lines {
		result = append(result, strings.TrimRight(indent+cleanText(line), " \t\n"))
	}
	return result
}
