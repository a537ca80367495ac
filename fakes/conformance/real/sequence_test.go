package real_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/startrace/startrace/fakes/conformance"
)

const (
	steps          = 20 // of a sequence
	shortSequences = 5  // for each release, without -long
)

// settleLimit is how long a real daemon may take to come to the state of the
// fake.
const settleLimit = 3 * time.Second

// noticed is when a daemon has noticed that a shim crashed, and no call ends with
// "ttrpc: closed" any more.
const noticed = 500 * time.Millisecond

// TestSequences draws sequences of operations and does each on the fake and on a
// real daemon.
func TestSequences(t *testing.T) {
	for _, release := range conformance.Releases() {
		t.Run(release, func(t *testing.T) {
			w := open(t, release)
			var count, explained atomic.Int64
			workers := 1
			if *long {
				workers = parallel
			}
			begin := time.Now()
			t.Run("draw", func(t *testing.T) {
				for i := range workers {
					t.Run(fmt.Sprint(i), func(t *testing.T) {
						t.Parallel()
						rapid.Check(t, func(r *rapid.T) { compare(t, r, w, release, count.Add(1), &explained) })
					})
				}
			})
			t.Logf("%d sequences of %d operations in %v; %d end in an explained difference",
				count.Load(), steps, time.Since(begin).Round(time.Second), explained.Load())
		})
	}
}

func compare(t *testing.T, r *rapid.T, w conformance.World, release string, n int64, explained *atomic.Int64) {
	t.Helper()
	names := conformance.DrawSequence(steps, func(from []string) string {
		return rapid.SampledFrom(from).Draw(r, "operation")
	})
	want := onFake(t, release, names)
	got, err := conformance.RunSequence(t.Context(), w, fmt.Sprintf("sequence-%d", n), names, func(i int, look func() string) string {
		if strings.Contains(want[i].Outcome, "ttrpc: closed") {
			time.Sleep(noticed)
		}
		seen := look()
		for end := time.Now().Add(settleLimit); seen != want[i].After && time.Now().Before(end); seen = look() {
			time.Sleep(2 * time.Millisecond)
		}
		return seen
	})
	if err != nil {
		r.Fatalf("%s: %v", strings.Join(names, "; "), err)
	}
	for i := range got {
		if got[i] != want[i] {
			if why := conformance.ExplainSequence(release, got[:i+1]); why != "" {
				explained.Add(1)
				return
			}
			r.Fatalf("step %d differs, after %s\nreal: %v\nfake: %v", i+1, strings.Join(names[:i], "; "), got[i], want[i])
		}
	}
}

// onFake does the operations on a fake.
func onFake(t *testing.T, release string, names []string) (done []conformance.Step) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		done, err = conformance.RunSequenceOnFake(t.Context(), release, names)
		require.NoError(t, err)
	})
	return done
}
