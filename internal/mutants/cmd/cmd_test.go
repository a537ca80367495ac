package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/mutants"
)

// root is the checkout.
const root = "../../.."

// The canary of make mutants: it kills what is wrong, says the same twice, and
// does not take what is right for killed.
func TestPlant(t *testing.T) {
	planted, err := mutants.Select([]string{"start-beside-start", "stop-ignores-starting", mutants.Control.Name})
	require.NoError(t, err)
	planted = append(planted, mutants.Mutant{Name: "nothing-changed", Rule: "None."})
	t.Setenv("TMPDIR", t.TempDir())
	dir, err := mutants.Root(t.Context())
	require.NoError(t, err)

	request := mutants.Request{Executions: 30, Seed: 1}
	var out bytes.Buffer
	results, err := plant(t.Context(), dir, planted, request, 2, newTable(&out, false))
	t.Logf("%s", out.String())
	assert.ErrorIs(t, err, errSurvived)
	require.Len(t, results, 4)
	for i, killed := range []bool{true, true, false, false} {
		assert.Equal(t, killed, results[i].Killed(), planted[i].Name)
		assert.Positive(t, results[i].Executions)
	}
	assert.Equal(t, results[2].Executions, results[3].Executions, "both are the reference")
	assert.True(t, strings.HasSuffix(out.String(), "\n3 mutants, 2 killed\n"), out.String())
	assertEmpty(t, os.TempDir())

	results[2].By = "I1"
	assert.ErrorContains(t, newTable(&out, false).conclude(results), "does not survive")
	results[1].Err = "it broke"
	assert.ErrorContains(t, newTable(&out, false).conclude(results), "it broke")
}

// An interrupt leaves nothing behind.
func TestInterrupt(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir, err := mutants.Root(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err = plant(ctx, dir, mutants.All(), mutants.Request{Executions: 1}, 1, newTable(&bytes.Buffer{}, false))
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assertEmpty(t, os.TempDir())
}

func assertEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		assert.NotContains(t, e.Name(), "startrace")
	}
}

func TestCommandLine(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--list"}, exitKilled, "start-beside-start (container.go): "},
		{[]string{"--list", "--only", "stop-ignores-starting"}, exitKilled, "stop-ignores-starting (container_stop.go): "},
		{[]string{"--only", "no-such-mutant"}, exitUsage, `there is no mutant "no-such-mutant"`},
		{[]string{"--no-such-flag"}, exitUsage, "no-such-flag"},
		{[]string{"argument"}, exitUsage, `got "argument"`},
		{[]string{"--executions", "0"}, exitUsage, "at least 1"},
		{[]string{"--update", "x", "--only", "control"}, exitUsage, "--update"},
	} {
		var out bytes.Buffer
		assert.Equal(t, tc.code, run(append([]string{"mutants"}, tc.args...), &out, &out), tc.args)
		assert.Contains(t, out.String(), tc.says, tc.args)
	}
}

// The document has all mutants, and each was killed.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/mutants.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| ([a-z0-9-]+) \\| (.*) \\| `([a-z_]+\\.go)` \\| (.*) \\| [0-9]+ \\| ").FindAllStringSubmatch(string(text), -1)
	all := mutants.All()
	require.Len(t, rows, len(all), "make mutants writes it again")
	for i, m := range all {
		assert.Equal(t, []string{m.Name, m.Rule, m.File}, rows[i][1:4], "make mutants writes it again")
		assert.NotEqual(t, "-", rows[i][4], "%s is not killed", m.Name)
	}
}
