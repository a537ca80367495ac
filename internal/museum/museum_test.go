package museum_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace"
	"github.com/startrace/startrace/internal/leaktest"
	"github.com/startrace/startrace/internal/museum"
	"github.com/startrace/startrace/scenarios/script"
	"github.com/startrace/startrace/sim"
)

func TestMain(m *testing.M) { sim.Main(m, leaktest.Check) }

// TestWrite: every race has a page and a drawing, every link leads somewhere, and the
// same races give the same bytes.
func TestWrite(t *testing.T) {
	all, err := script.Load(startrace.Scenarios, startrace.ScenarioFolder)
	require.NoError(t, err)
	all = append(all[:6:6], all[len(all)-3:]...)
	first, second := t.TempDir(), t.TempDir()
	require.NoError(t, museum.Write(first, all))
	require.NoError(t, museum.Write(second, all))
	files, err := filepath.Glob(filepath.Join(first, "*.html"))
	require.NoError(t, err)
	assert.Len(t, files, 1+2*len(all))
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		again, err := os.ReadFile(filepath.Join(second, filepath.Base(file)))
		require.NoError(t, err)
		assert.Equal(t, string(text), string(again), "%s", file)
		if strings.HasSuffix(file, ".run.html") {
			continue
		}
		for _, part := range strings.Split(string(text), `href="`)[1:] {
			link, _, _ := strings.Cut(part, `"`)
			if strings.HasPrefix(link, "https://github.com/") {
				continue
			}
			_, err := fs.Stat(os.DirFS(first), link)
			assert.NoError(t, err, "%s", file)
		}
	}
	index, err := os.ReadFile(filepath.Join(first, "index.html"))
	require.NoError(t, err)
	for _, s := range all {
		assert.Contains(t, string(index), s.Name+".html")
	}
	assert.Contains(t, string(index), "By invariant")
}
