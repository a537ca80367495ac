package sim_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/report"
	"github.com/startrace/startrace/sim/schedule"
)

func TestNearestPassing(t *testing.T) {
	f := find(t, sim.Options{}, firstRun)
	require.NotNil(t, f.Passing)
	require.NotNil(t, f.FoundTrace)
	// It begins as the failing one does, up to a necessary choice, and differs there.
	i := 0
	for i < min(len(f.Trace.Steps), len(f.Passing.Steps)) && f.Trace.Steps[i].Switch == f.Passing.Steps[i].Switch &&
		f.Trace.Steps[i].Text == f.Passing.Steps[i].Text {
		i++
	}
	require.Less(t, i, len(f.Trace.Steps))
	assert.True(t, f.Trace.Steps[i].Necessary, "step %d", i)
	for _, s := range f.Passing.Steps {
		assert.NotContains(t, s.Text, "lost update")
	}

	cfg := sim.Config{Name: "again"}
	res, err := sim.Reproduce(cfg, f.Schedule, firstRun)
	require.NoError(t, err)
	near, err := sim.NearestPassing(cfg, f.Schedule, firstRun)
	require.NoError(t, err)
	assert.Equal(t, f.Passing, near, "the same one each time")
	assert.Equal(t, near, res.Page(near).Passing)

	bad := f.Schedule
	bad.Options = "unheard-of"
	_, err = sim.NearestPassing(cfg, bad, firstRun)
	assert.ErrorContains(t, err, "unknown option")
}

// What fails always has no execution that passes.
func TestNearestPassingOfNone(t *testing.T) {
	f := find(t, sim.Options{}, func(t *sim.T) { t.Error("always") })
	assert.Nil(t, f.Passing)
	assert.Nil(t, f.FoundTrace, "nothing to shrink")
}

func TestArtifacts(t *testing.T) {
	dir := t.TempDir()
	out, code := child(t, "TestPlantedFirstRun", "-test.artifacts", "-test.outputdir="+dir, "-test.v=test2json")
	require.Equal(t, 1, code, out)
	m := command.FindStringSubmatch(out)
	require.NotNil(t, m, out)
	for _, want := range []string{
		"sim.strategy auto\n", "sim.executions ", "sim.distinct ", "sim.token " + m[2] + "\n",
	} {
		assert.Contains(t, out, "=== ATTR  TestPlantedFirstRun "+want)
	}
	requireArtifacts(t, dir, m[2])

	dir = t.TempDir()
	out, code = child(t, "TestPlantedFirstRun", "-test.artifacts", "-test.outputdir="+dir, "-sim.replay="+m[2])
	require.Equal(t, 1, code, out)
	requireArtifacts(t, dir, m[2])

	dir = t.TempDir()
	_, code = child(t, "TestPlantedFirstRun", "-test.outputdir="+dir)
	require.Equal(t, 1, code)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left, "only if they are asked for")
}

func requireArtifacts(t *testing.T, dir, token string) {
	t.Helper()
	one := func(name string) string {
		var found []string
		require.NoError(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			if filepath.Base(path) == name {
				found = append(found, path)
			}
			return err
		}))
		require.Len(t, found, 1, name)
		return found[0]
	}
	s, err := schedule.ReadFile(one("schedule.txt"))
	require.NoError(t, err)
	assert.Equal(t, token, s.Token())
	f, err := os.Open(one("trace.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	trace, err := report.ReadJSONL(f)
	require.NoError(t, err)
	assert.NotEmpty(t, trace.Steps)
	page, err := os.ReadFile(one("trace.html"))
	require.NoError(t, err)
	_, data, found := strings.Cut(string(page), `id="data">`)
	require.True(t, found)
	data, _, _ = strings.Cut(data, "</script>")
	assert.True(t, json.Valid([]byte(data)))
	assert.Contains(t, data, `"passing":{`)
}
