package conformance_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/fakes/conformance"
	"github.com/startrace/startrace/internal/leaktest"
	"github.com/startrace/startrace/sim"
)

var update = flag.Bool("update", false, "write docs/conformance.md")

func TestMain(m *testing.M) { sim.Main(m, leaktest.Check) }

// runFake returns the table of a fake that behaves like a release.
func runFake(t *testing.T, release string) (table conformance.Table) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, err := conformance.NewFake(release)
		require.NoError(t, err)
		table, err = conformance.RunTable(t.Context(), w, 1, 1)
		require.NoError(t, err)
	})
	return table
}

// TestTable compares the fakes of the releases with what the real daemons did,
// and the page about it with both.
func TestTable(t *testing.T) {
	fakes := map[string]conformance.Table{}
	for _, release := range conformance.Releases() {
		fakes[release] = runFake(t, release)
		recorded := conformance.Recorded(release)
		assert.Len(t, fakes[release], len(recorded))
		for _, d := range conformance.Unexplained(fakes[release], recorded) {
			assert.Equal(t, d.Want, d.Got, "%s: %s, %s", release, d.Op, d.State)
		}
	}
	path := filepath.Join("..", "..", "docs", "conformance.md")
	text := conformance.Document(fakes)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(written), text, "make conformance writes it anew")
}

// TestReleases: where the real daemons differ, it is explained.
func TestReleases(t *testing.T) {
	for _, d := range conformance.UnexplainedBetween(conformance.Recorded("1.6.20"), conformance.Recorded(conformance.Pinned)) {
		assert.Equal(t, d.Want, d.Got, "%s, %s", d.Op, d.State)
	}
}

// TestTableIsNeeded is the canary: a fake that refuses one thing in another way
// is found, and an explanation covers its own operation only.
func TestTableIsNeeded(t *testing.T) {
	want := conformance.Recorded(conformance.Pinned)
	text := want.String()
	require.Contains(t, text, "cannot start a running process")
	got, err := conformance.ParseTable(strings.ReplaceAll(text, "Unknown: cannot start a running process", "FailedPrecondition: cannot start a running process"))
	require.NoError(t, err)
	found := conformance.Unexplained(got, want)
	require.NotEmpty(t, found)
	for _, d := range found {
		assert.Contains(t, d.Want, "cannot start a running process")
	}
	assert.Empty(t, conformance.Unexplained(want, want))
}

func TestParseTable(t *testing.T) {
	want := conformance.Recorded(conformance.Pinned)
	got, err := conformance.ParseTable(want.String())
	require.NoError(t, err)
	assert.Equal(t, want, got)
	for _, text := range []string{"Task.Start\tcreated", "Task.Stop\tcreated\tok"} {
		_, err := conformance.ParseTable(text)
		assert.Error(t, err, text)
	}
}
