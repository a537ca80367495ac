package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const documentHead = `# Conformance

What the fake containerd does, beside real daemons. ` + "`make conformance`" + ` writes this
page: as root it runs the suite of package fakes/conformance on containerd %s,
built from its module, and on Debian's %s, where it can be had; without root it
compares the fake with what was recorded last.

An outcome is "ok" or the class of the error and its text, then what there is
afterwards: the record of the container, the task, the process executed in it, with
their exit codes. ID, EXEC and NS stand for the ids and the namespace, PATH for a
path; that 1.6 appends ": unknown" to texts of class Unknown is left out.
`

const documentSequences = `
## Random sequences

` + "`make conformance`" + ` draws 500 sequences of 20 operations for each release, does each on the
fake and on the real daemon, and compares after every step, once the daemon has come to
rest, what the operation returned and what there is. A difference that is not explained
above fails it, with the sequence made as short as it gets. They consist of the
operations above, of processes that end by themselves and of such that ignore SIGTERM.
` + "`go test`" + ` as root does a few.
`

// Document returns the text of docs/conformance.md. fakes are the tables of
// fakes that behave like the releases.
func Document(fakes map[string]Table) string {
	var b strings.Builder
	old, pinned := Releases()[0], Pinned
	fmt.Fprintf(&b, documentHead, pinned, old)
	fmt.Fprintf(&b, "\n## Operation and state\n\n")
	all, _ := cells()
	real16, real24 := Recorded(old), Recorded(pinned)
	fmt.Fprintf(&b, "%d cells. The fake is the one that behaves like %s; the one that behaves like %s was\n"+
		"compared with that. A number in the last column is an explanation below.\n\n", len(all), pinned, old)
	fmt.Fprintf(&b, "| operation | state | fake | %s | %s | |\n| --- | --- | --- | --- | --- | --- |\n", old, pinned)
	for _, c := range all {
		fake := fakes[pinned][c]
		note := ""
		if n := explain(c, false); n > 0 && (fake != real16[c] || fake != real24[c]) {
			note = fmt.Sprint(n)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", c.Op, c.State,
			escape(fake), sameOr(fake, real16[c]), sameOr(fake, real24[c]), note)
	}
	fmt.Fprintf(&b, "\n## Explained differences\n\n")
	for i, e := range Explanations() {
		fmt.Fprintf(&b, "%d. *%s*: %s Source: %s.\n", i+1, e.Op, e.Why, e.Source)
	}
	fmt.Fprint(&b, documentSequences)
	documentEvents(&b)
	documentFaults(&b)
	documentPairs(&b)
	return b.String()
}

// documentEvents writes what differs between runs of one thing on real daemons.
func documentEvents(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Events of a process that ends at once\n\n"+
		"Create, Wait, Start, exit and Delete one after another; the order is that in which the\n"+
		"events arrived. The process, written in Go, takes about a millisecond to end. With\n"+
		"/bin/true the exit was known before Start returned in 20 to 50 of 100 runs, which is\n"+
		"what the default of the fake reproduces.\n\n| | %s | %s |\n| --- | --- | --- |\n", Releases()[0], Pinned)
	old, pinned := RecordedFrequencies(Releases()[0]), RecordedFrequencies(Pinned)
	fmt.Fprintf(b, "| runs | %d | %d |\n| exit known before Start returned | %d | %d |\n", old.Runs, pinned.Runs, old.Early, pinned.Early)
	orders := map[string]bool{}
	for _, f := range []Frequencies{old, pinned} {
		for order := range f.Orders {
			orders[order] = true
		}
	}
	for _, order := range slices.Sorted(maps.Keys(orders)) {
		fmt.Fprintf(b, "| %s | %d | %d |\n", order, old.Orders[order], pinned.Orders[order])
	}
}

// documentFaults writes what becomes of containers when something is killed.
func documentFaults(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Kills of shims and daemons\n\n"+
		"The fakes that behave like the releases do the same.\n\n| state, what happens | %s | %s |\n| --- | --- | --- |\n", Releases()[0], Pinned)
	old, pinned := RecordedFaults(Releases()[0]), RecordedFaults(Pinned)
	for _, c := range FaultCases() {
		fmt.Fprintf(b, "| %s | %s | %s |\n", c.Key(), escape(old[c.Key()]), sameOr(old[c.Key()], pinned[c.Key()]))
	}
}

// documentPairs writes what two operations at once did on real daemons.
func documentPairs(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Two operations at once\n\n"+
		"With how often each outcome was seen. The fake that behaves like the release has all of\n"+
		"them but some of those with a letter, which are explained below.\n\n| state | operations | outcome | %s | %s | |\n| --- | --- | --- | --- | --- | --- |\n", Releases()[0], Pinned)
	old, pinned := RecordedPairs(Releases()[0]), RecordedPairs(Pinned)
	for _, p := range Pairs() {
		outcomes := map[string]bool{}
		for _, o := range []Outcomes{old, pinned} {
			for outcome := range o[p] {
				outcomes[outcome] = true
			}
		}
		for _, outcome := range slices.Sorted(maps.Keys(outcomes)) {
			fmt.Fprintf(b, "| %s | %s, %s | %s | %d | %d | %s |\n", p.State, p.A, p.B, escape(outcome),
				old[p][outcome], pinned[p][outcome], letter(p, outcome))
		}
	}
	fmt.Fprintln(b)
	for i, e := range PairExplanations() {
		fmt.Fprintf(b, "* %c *%s*: %s Source: %s.\n", 'a'+i, e.Name, e.Why, e.Source)
	}
}

// letter returns that of the explanation which covers an outcome, which the fake
// may nevertheless have.
func letter(p Pair, outcome string) string {
	name := ExplainPair(p, outcome)
	for i, e := range PairExplanations() {
		if e.Name == name {
			return string(rune('a' + i))
		}
	}
	return ""
}

func sameOr(fake, text string) string {
	if fake == text {
		return "same"
	}
	return escape(text)
}

// escape makes text fit for a cell of a table.
func escape(text string) string {
	if text == "" {
		return "not run"
	}
	return strings.NewReplacer("|", `\|`, "->", "→", "$", `\$`, "<", `\<`).Replace(text)
}
