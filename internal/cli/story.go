package cli

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/scenarios/script"
	"github.com/startrace/startrace/sim/report"
)

// saveScenario tells the first violation as a story, in a file.
func saveScenario(c *cli.Command, outcomes []outcome) error {
	file := c.String("save-scenario")
	if file == "" {
		return nil
	}
	for _, o := range outcomes {
		if o.report.Found == nil {
			continue
		}
		v, w, err := unlabel(o.report.Found.Name)
		if err != nil {
			return fail(exitUsage, "--save-scenario: %w", err)
		}
		return tell(c, file, v, w, o)
	}
	return fail(exitUsage, "--save-scenario: nothing is violated, so there is nothing to tell")
}

func tell(c *cli.Command, file string, v scenarios.Variant, w scenarios.Workload, o outcome) error {
	s, err := script.Tell(v, w, faultsOf(o.report.Found.Trace), o.Invariant)
	if errors.Is(err, script.ErrNoStory) {
		return fail(exitViolated, "--save-scenario: %w that violates %s as this execution does: keep its token, %s", err, o.Invariant, o.Token)
	}
	if err != nil {
		return fail(exitEnvironment, "--save-scenario: %w", err)
	}
	if err := os.WriteFile(file, []byte(s.String()), 0o644); err != nil {
		return fail(exitEnvironment, "--save-scenario: %w", err)
	}
	fmt.Fprintf(c.Root().ErrWriter, "%s: %s violates %s in %q as a story; run it: %s scenarios run %s\n", file, v.Name, o.Invariant, w, program(), file)
	return nil
}

// What package fakes logs of faults.
var (
	plannedFault = regexp.MustCompile(`^fault: (.+) at (\S+)`)
	chosenFault  = regexp.MustCompile(`^fault: (\S+) .*\(call \d+\) fails (before|after) its effect: injected fault: (.+)$`)
	lostEvent    = regexp.MustCompile(`^event (/\S+) \S+ lost$`)
)

// faultsOf returns what went wrong in an execution, as rules of package failpoint.
func faultsOf(t *report.Trace) []string {
	var order []string
	count := map[string]int{}
	add := func(site, action string) {
		rule := site + "=%d*" + action
		if count[rule] == 0 {
			order = append(order, rule)
		}
		count[rule]++
	}
	for _, step := range t.Steps {
		if m := plannedFault.FindStringSubmatch(step.Text); m != nil {
			add(m[2], m[1])
		} else if m := chosenFault.FindStringSubmatch(step.Text); m != nil {
			phase := "/before-effect"
			if m[2] == "after" {
				phase = "/reply"
			}
			add(m[1]+phase, "error("+errorName(m[3])+")")
		} else if m := lostEvent.FindStringSubmatch(step.Text); m != nil {
			add("event"+m[1], "drop")
		}
	}
	rules := make([]string, len(order))
	for i, rule := range order {
		rules[i] = fmt.Sprintf(rule, count[rule])
	}
	return rules
}

// errorName is the name that a rule has for an error.
func errorName(text string) string {
	switch {
	case strings.Contains(text, "deadline"):
		return "deadline-exceeded"
	case strings.Contains(text, "input/output"):
		return "EIO"
	}
	return strings.ReplaceAll(text, " ", "-")
}
