// Package real_test runs the suite of package conformance on real daemons. It is
// a package of its own, since it must not be controlled.
package real_test

import (
	"errors"
	"flag"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/startrace/startrace/fakes/conformance"
	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/daemon/daemontest"
)

var (
	long      = flag.Bool("long", false, "run everything, as make conformance does")
	update    = flag.Bool("update", false, "record what the real daemons do; with -long")
	sequences = flag.Int("sequences", 500, "random sequences for each release, with -long")
)

// parallel is how many containers are on their way at once.
const parallel = 4

func TestMain(m *testing.M) {
	flag.Parse()
	checks, seed := *sequences/parallel, "0"
	if !*long {
		checks, seed = shortSequences, "1" // the same ones each time
	}
	for name, value := range map[string]string{
		"rapid.checks": strconv.Itoa(checks), "rapid.seed": seed, "rapid.shrinktime": "20s", "rapid.nofailfile": "true",
	} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// open starts the daemon of a release.
func open(t *testing.T, release string) world {
	t.Helper()
	opts := daemon.Options{}
	if release != conformance.Pinned && os.Geteuid() == 0 {
		binary, version, err := daemon.Debian(t.Context(), t.Logf)
		if errors.Is(err, daemon.ErrNoPackage) {
			t.Skipf("NOT RUN: containerd %s: %v", release, err)
		}
		require.NoError(t, err)
		if version != release {
			t.Skipf("NOT RUN: containerd %s: the distribution has %s", release, version)
		}
		opts.Binary = binary
	}
	return world{daemontest.Start(t, opts, "make conformance")}
}

// TestTable compares every operation in every state with what was recorded.
func TestTable(t *testing.T) {
	for _, release := range conformance.Releases() {
		t.Run(release, func(t *testing.T) {
			w := open(t, release)
			begin := time.Now()
			every := 6
			if *long {
				every = 1
			}
			got, err := conformance.RunTable(t.Context(), w, parallel, every)
			require.NoError(t, err)
			t.Logf("%d cells in %v", len(got), time.Since(begin).Round(time.Second))
			if *long && *update {
				record(t, "table", release, got.String())
				return
			}
			recorded := conformance.Recorded(release)
			for cell, text := range got {
				assert.Equal(t, recorded[cell], text, "%s, %s", cell.Op, cell.State)
			}
		})
	}
}
