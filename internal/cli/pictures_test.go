package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim/report"
)

func TestPictures(t *testing.T) {
	dir := t.TempDir()
	code, out, errs := run("explore", "--variant", "preseed", "--pages", dir)
	require.Equal(t, exitExpected, code, errs)
	page, err := os.ReadFile(filepath.Join(dir, "preseed.html"))
	require.NoError(t, err)
	for _, trace := range []string{"failing", "found", "passing"} {
		assert.Contains(t, string(page), `"`+trace+`":{"lanes":["clock","main"`, trace)
	}

	assert.Contains(t, string(page), "One choice makes the failure; without it this execution does not fail:")
	assert.Contains(t, string(page), "exit: choose lose event /tasks/exit = 1 at harness.go:")

	token := regexp.MustCompile(`st1\.\S+`).FindString(out)
	file := func(name string) string { return filepath.Join(dir, name) }
	code, plain, errs := run("replay", token)
	require.Equal(t, exitViolated, code, errs)
	code, out, errs = run("replay", token, "--html", file("p.html"), "--mermaid", file("p.mmd"),
		"--perfetto", file("p.json"), "--shiviz", file("p.log"), "--jsonl", file("p.jsonl"))
	require.Equal(t, exitViolated, code, errs)
	assert.Equal(t, plain, out, "the flags change nothing")
	for name, want := range map[string]string{
		"p.html": `"passing":{"lanes":`, "p.mmd": "sequenceDiagram\n", "p.json": `"traceEvents":[`, "p.log": `main {"main":1}`,
	} {
		text, err := os.ReadFile(file(name))
		require.NoError(t, err)
		assert.Contains(t, string(text), want, name)
	}
	f, err := os.Open(file("p.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	trace, err := report.ReadJSONL(f)
	require.NoError(t, err)
	assert.Contains(t, trace.Lanes, "exit")

	code, out, _ = run("replay", "--perfetto", "-", token)
	assert.Equal(t, exitViolated, code)
	assert.True(t, json.Valid([]byte(out)), "nothing else goes to standard output")
	code, _, errs = run("replay", "--perfetto", "-", "--jsonl", "-", token)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "only one picture fits into standard output")
	code, _, errs = run("replay", "--html", filepath.Join(dir, "nowhere", "x"), token)
	assert.Equal(t, exitEnvironment, code)
	assert.Contains(t, errs, "--html: open ")
}
