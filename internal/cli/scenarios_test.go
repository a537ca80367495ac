package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios/script"
)

func TestScenariosList(t *testing.T) {
	code, out, errs := run("scenarios", "list")
	require.Equal(t, exitExpected, code, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	assert.GreaterOrEqual(t, len(lines), 80)
	assert.Contains(t, lines[0], "001  StopContainer during a start does nothing, and succeeds")
	code, out, errs = run("scenarios", "list", "--json")
	require.Equal(t, exitExpected, code, errs)
	var all []scenarioJSON
	require.NoError(t, json.Unmarshal([]byte(out), &all))
	assert.Len(t, all, len(lines))
	assert.Equal(t, "I9", all[0].Breaks["v2_4_2"])
	assert.Contains(t, all[0].Passes, "reference")
}

func TestScenariosShowAndRun(t *testing.T) {
	code, out, errs := run("scenarios", "show", "13")
	require.Equal(t, exitExpected, code, errs)
	assert.Contains(t, out, "title: what is put back for a retry overwrites an exit")
	assert.Contains(t, out, "v2_4_2: I3 (exits are seen)")
	assert.Regexp(t, `v2_4_2: I3 .* ┃  reference: clean\n`, out)
	assert.Regexp(t, `┃ +\d+ .* checkpoint of c-2 stores EXITED 7\n`, out)
	code, out, errs = run("scenarios", "show", "13", "--width", "100")
	require.Equal(t, exitExpected, code, errs)
	assert.Contains(t, out, "\nreference: clean\n")
	assert.NotContains(t, out, "┃")
	code, _, errs = run("scenarios", "show", "13", "--width", "10")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "use 60 at least")

	code, out, errs = run("scenarios", "run", "013-backoff-overwrites-exit")
	require.Equal(t, exitExpected, code, errs)
	assert.Contains(t, out, "013-backoff-overwrites-exit  v1_7  violates I3\n")
	assert.Contains(t, out, "013-backoff-overwrites-exit  reference  passes\n")
	code, out, errs = run("scenarios", "run", "13", "--variant", "cri1351", "--json")
	require.Equal(t, exitExpected, code, errs)
	var runs []runJSON
	require.NoError(t, json.Unmarshal([]byte(out), &runs))
	assert.Equal(t, []string{"cri1351", "", ""}, []string{runs[0].Variant, runs[0].Violates, runs[0].Recorded})
}

// A scenario that says what is not so fails.
func TestScenariosRunDiffers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "900-x.txt")
	code, out, errs := run("scenarios", "new", file)
	require.Equal(t, exitExpected, code, errs)
	assert.Contains(t, out, "scenarios run "+file)
	code, _, errs = run("scenarios", "run", file)
	require.Equal(t, exitExpected, code, errs)
	code, _, errs = run("scenarios", "new", file)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "is left as it is")

	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(script.Skeleton, "breaks: v2_4_2", "breaks: preseed", 1)), 0o600))
	code, out, errs = run("scenarios", "run", file)
	assert.Equal(t, exitViolated, code)
	assert.Contains(t, out, `preseed  passes (recorded: "I9")`)
	assert.Contains(t, errs, "1 of 2 runs are not as recorded")
}

func TestScenariosErrors(t *testing.T) {
	empty := t.TempDir()
	bad := filepath.Join(t.TempDir(), "x.txt")
	require.NoError(t, os.WriteFile(bad, []byte("# scenario v9\n"), 0o600))
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"show", "nothing"}, exitUsage, `no scenario "nothing"`},
		{[]string{"show"}, exitUsage, "takes the id of a scenario"},
		{[]string{"run", "1", "--variant", "nobody"}, exitUsage, "unknown variant"},
		{[]string{"run", "83", "--variant", "preseed"}, exitUsage, "variant preseed has no exec"},
		{[]string{"run", bad}, exitUsage, bad + ":1:1: the first line"},
		{[]string{"list", "--dir", filepath.Dir(bad)}, exitUsage, "x.txt:1:1: the first line"},
		{[]string{"list", "--dir", filepath.Join(empty, "none")}, exitEnvironment, "no such file"},
		{[]string{"new", "x"}, exitUsage, "NNN-what-happens.txt"},
		{[]string{"html"}, exitUsage, "takes one directory"},
		{[]string{"burn"}, exitUsage, `unknown command "burn"`},
	} {
		code, _, errs := run(append([]string{"scenarios"}, c.args...)...)
		assert.Equal(t, c.code, code, "%v", c.args)
		assert.Contains(t, errs, c.want)
	}
}

// TestSaveScenario: what a search found fails in the same way as a story.
func TestSaveScenario(t *testing.T) {
	file := filepath.Join(t.TempDir(), "901-found.txt")
	code, _, errs := run("explore", "--variant", "v2_4_2", "--workload", "start|stop|exit=7; faults=2", "--budget", "500", "--save-scenario", file)
	require.Equal(t, exitExpected, code, errs)
	assert.Contains(t, errs, "as a story")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	s, err := script.Parse(file, string(text))
	require.NoError(t, err)
	r, err := script.Run(s, "v2_4_2", false)
	require.NoError(t, err)
	assert.Equal(t, s.Property, r.Invariant(), "%s", text)

	code, _, errs = run("explore", "--variant", "reference", "--workload", "start", "--budget", "10", "--save-scenario", file)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "nothing is violated")
}
