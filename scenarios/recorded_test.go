package scenarios_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/schedule"
)

var update = flag.Bool("update", false, "search for the schedules in testdata again")

// recorded are the failures of history, shrunk, as testdata has them.
var recorded = []struct{ file, variant, invariant string }{
	{"preseed-lost-exit.txt", "preseed", "I3"},
	{"seed2019-lost-stop.txt", "seed2019", "I9"},
}

// TestRecordedSchedules replays schedules that were recorded on another machine
// at another time. They are bound to the code: after a change of a variant, the
// fake or the client, record them again with -update. The standard library is
// code as well, so each Go release has its own.
func TestRecordedSchedules(t *testing.T) {
	w := parse(t, scenarios.DefaultWorkload)
	release := regexp.MustCompile(`^go1\.\d+`).FindString(runtime.Version())
	dir := filepath.Join("..", "testdata", "schedules", release)
	for _, r := range recorded {
		t.Run(r.file, func(t *testing.T) {
			file := filepath.Join(dir, r.file)
			v, err := scenarios.Lookup(r.variant)
			require.NoError(t, err)
			body := scenarios.Body(v, w)
			if *update {
				report := sim.Search(sim.Options{
					Name: r.variant + "/" + w.String(), Config: sim.Config{EarlyTimers: -1},
				}, body)
				require.NotNil(t, report.Found, "%v", report)
				require.NoError(t, os.MkdirAll(dir, 0o755))
				require.NoError(t, report.Found.Schedule.WriteFile(file))
			}
			s, err := schedule.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, r.variant+"/"+w.String(), s.Label)
			res, err := sim.Reproduce(sim.Config{Name: s.Label}, s, body)
			require.NoError(t, err, "record it again with -update if the code has changed")
			require.NotNil(t, res.Failure)
			assert.Equal(t, r.invariant, res.Failure.ID)
			assert.True(t, strings.HasPrefix(res.Failure.Title, r.invariant+" ("), res.Failure.Title)
		})
	}
}
