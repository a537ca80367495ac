package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios"
)

func TestExploreExhausts(t *testing.T) {
	args := []string{"explore", "--strategy", "dpor", "--variant", "reference", "--workload", "start|remove"}
	code, out, errs := run(args...)
	require.Equal(t, exitExpected, code, errs)
	assert.Regexp(t, `reference +\d+ +\d+ +exhausted`, out)
	assert.Regexp(t, `reference: all \d+ inequivalent executions within these bounds:\n  decisions only in \S*/impl/\.\.\.`, out)

	code, out, errs = run(append(args, "--json")...)
	require.Equal(t, exitExpected, code, errs)
	v := stable(t, out).Variants[0]
	assert.Equal(t, "exhausted", v["verdict"])
	focused := v["inequivalent"]
	assert.Greater(t, focused, 1.0)
	assert.NotEmpty(t, v["bounds"])
	assert.Len(t, v["focus"], len(scenarios.Focus()))

	code, out, errs = run(append(args, "--json", "--focus", "github.com/startrace/startrace/impl.(*container)")...)
	require.Equal(t, exitExpected, code, errs)
	v = stable(t, out).Variants[0]
	assert.Less(t, v["inequivalent"], focused, "less is in focus")
}

func TestFocusThatIsNone(t *testing.T) {
	code, _, errs := run("explore", "--focus", "impl/")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "--focus")
	assert.Contains(t, errs, "is no pattern")

	code, _, errs = run("explore", "--variant", "reference", "--budget", "10", "--focus", "example.org/...")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "nothing is in focus")
}
