package conformance

import (
	"fmt"
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
	return b.String()
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
