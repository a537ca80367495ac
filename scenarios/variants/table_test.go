package variants_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/model"
)

var update = flag.Bool("update", false, "write docs/variants.md")

// results is what was wrong, by interleaving and variant.
type results struct {
	mu    sync.Mutex
	wrong map[result][]string
}

type result struct {
	interleaving int
	variant      string
}

func (r *results) add(interleaving int, variant string, found map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrong == nil {
		r.wrong = map[result][]string{}
	}
	r.wrong[result{interleaving, variant}] = slices.SortedFunc(maps.Keys(found), inOrder)
}

// compare compares all that was found with docs/variants.md, unless only a part of
// the tests was asked for.
func (r *results) compare(t *testing.T, all []interleaving) {
	if flag.Lookup("test.run").Value.String() != "" && !*update || t.Failed() {
		return
	}
	file := filepath.Join("..", "..", "docs", "variants.md")
	want := r.table(all)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
	}
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := strings.Split(string(have), "\n")
	for n, line := range strings.Split(want, "\n") {
		require.Less(t, n, len(lines), "docs/variants.md ends too early: write it again with -update")
		require.Equal(t, line, lines[n], "docs/variants.md: write it again with -update")
	}
}

// inOrder sorts invariants by their numbers, and texts behind them.
func inOrder(a, b string) int {
	return 2*(number(a)-number(b)) + strings.Compare(a, b)
}

func number(wrong string) int {
	if i := slices.IndexFunc(model.Invariants, func(i model.Invariant) bool { return i.ID == wrong }); i >= 0 {
		return i
	}
	return len(model.Invariants)
}

func (r *results) table(all []interleaving) string {
	var b strings.Builder
	b.WriteString("# Variants\n\n" + tableIntro + "\n| variant | what it is |\n| --- | --- |\n")
	for _, v := range everyVariant() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", v.Name, v.Title)
	}
	b.WriteString("\n## What breaks where\n\n" + summaryIntro + "\n")
	r.writeSummary(&b, all)
	b.WriteString("\n## The interleavings\n\n" + interleavingsIntro + "\n")
	r.writeMatrix(&b, all)
	b.WriteString("\n")
	for n, i := range all {
		fmt.Fprintf(&b, "%d. **%s** (%s): %s.\n", n+1, i.name, i.where, i.story)
	}
	return b.String()
}

// writeSummary has a row for each variant and a column for each invariant that any
// of them breaks.
func (r *results) writeSummary(b *strings.Builder, all []interleaving) {
	numbers := map[string]map[string][]string{} // of interleavings, by variant and column
	columns := map[string]bool{}
	for n := range all {
		for _, v := range everyVariant() {
			if numbers[v.Name] == nil {
				numbers[v.Name] = map[string][]string{}
			}
			for _, column := range r.wrong[result{n, v.Name}] {
				if number(column) == len(model.Invariants) {
					column = otherColumn
				}
				columns[column] = true
				numbers[v.Name][column] = append(numbers[v.Name][column], strconv.Itoa(n+1))
			}
		}
	}
	ordered := slices.SortedFunc(maps.Keys(columns), inOrder)
	fmt.Fprintf(b, "| variant | %s |\n| --- |%s\n", strings.Join(ordered, " | "), strings.Repeat(" --- |", len(ordered)))
	for _, v := range everyVariant() {
		fmt.Fprintf(b, "| `%s` |", v.Name)
		for _, column := range ordered {
			fmt.Fprintf(b, " %s |", strings.Join(slices.Compact(numbers[v.Name][column]), ", "))
		}
		b.WriteString("\n")
	}
}

const otherColumn = "other"

// writeMatrix has a row for each interleaving and a column for each variant.
func (r *results) writeMatrix(b *strings.Builder, all []interleaving) {
	b.WriteString("| | |")
	for _, v := range everyVariant() {
		fmt.Fprintf(b, " %s |", v.Name)
	}
	b.WriteString("\n| --- | --- |" + strings.Repeat(" --- |", len(everyVariant())) + "\n")
	for n, i := range all {
		fmt.Fprintf(b, "| %d | %s |", n+1, i.name)
		for _, v := range everyVariant() {
			cell := strings.Join(r.wrong[result{n, v.Name}], ", ")
			if !i.fits(v) {
				cell = "–"
			}
			fmt.Fprintf(b, " %s |", cell)
		}
		b.WriteString("\n")
	}
}

const (
	tableIntro = `Written by ` + "`go test ./scenarios/variants -run TestInterleavings -update`" + `, and checked by the same test.
Each variant is an algorithm of a CRI service in our own words; the comments
of its package say which files it follows. moby2016, crio2018, crio2020 and conmon2020
are designs of other projects on the same base: theirs is what the comment of package
peers names, the rest is the base's. [RESEARCH.md](../RESEARCH.md) tells the story.
`
	summaryIntro = `The numbers are those of the interleavings below, each made by hand on the fake
containerd and judged by package model; the column "other" is for what breaks no
invariant of the model. An empty field says that none of these interleavings breaks it,
and nothing about others. What a search without pins finds is the matter of ` + "`make blind`" + `.
`
	interleavingsIntro = `A field says what is broken; an empty one that all went well, and – that the variant
lacks what the interleaving is about: updates, events, plugins, a recovery, or readers
that do not wait for a start.
`
)
