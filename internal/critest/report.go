package critest

import (
	"fmt"
	"slices"
	"strings"
)

// Result is a run of all specs on a release of containerd.
type Result struct {
	Release string
	Specs   []Spec
}

// Report is docs/critest.md: what was measured, by spec.
func Report(results []Result) string {
	var b strings.Builder
	b.WriteString(`# critest

What critest, the suite of [cri-tools](https://github.com/kubernetes-sigs/cri-tools) for
CRI endpoints, says of ` + "`startrace serve`" + `. This file is written by ` + "`make critest`" + `, as root, in
about two minutes. The specs that are in scope, those about the basic operations of
containers and pod sandboxes and about idempotence above all, pass; ` + "`make test`" + ` runs
these too.

The images come from a registry on loopback that has one tiny image of our own under
every name (` + "`internal/critest`" + `). So a spec can fail for want of a command in the image;
where it does, the reason below says so.

| containerd | passed | failed | skipped |
| --- | --- | --- | --- |
`)
	for _, r := range results {
		count := map[string]int{}
		for _, s := range r.Specs {
			count[s.State]++
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", r.Release, count["passed"], count["failed"], count["skipped"])
	}
	b.WriteString("\n## In scope\n\nEach of these passes on each release.\n")
	group := ""
	for _, s := range results[0].Specs {
		if OutOfScope(s) != "" {
			continue
		}
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(&b, "\n%s\n\n", group)
		}
		fmt.Fprintf(&b, "- %s\n", s.Name)
	}
	b.WriteString("\n## Out of scope\n\nA few pass nevertheless, since they ask for what there is in any case.\n")
	for _, o := range outOfScope {
		var lines []string
		for _, s := range results[0].Specs {
			if OutOfScope(s) == o.why {
				lines = append(lines, fmt.Sprintf("- %s (%s)\n", s.full(), states(results, s)))
			}
		}
		if len(lines) > 0 {
			fmt.Fprintf(&b, "\n%s\n\n%s", o.why, strings.Join(lines, ""))
		}
	}
	return b.String()
}

// states is what came of a spec, for each release if they differ.
func states(results []Result, s Spec) string {
	var all []string
	for _, r := range results {
		state := "not there"
		for _, other := range r.Specs {
			if other.full() == s.full() {
				state = other.State
			}
		}
		all = append(all, state)
	}
	if len(slices.Compact(slices.Clone(all))) == 1 {
		return all[0]
	}
	for i, r := range results {
		all[i] += " on " + r.Release
	}
	return strings.Join(all, ", ")
}
