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
	names := rapid.SliceOfN(rapid.SampledFrom(conformance.StepOps()), steps, steps).Draw(r, "operations")
	want := onFake(t, release, names)
	got, err := conformance.RunSequence(t.Context(), w, fmt.Sprintf("sequence-%d", n), names, func(i int, look func() string) string {
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

// onFake does the operations on a fake and waits after each until nothing moves
// any more, and for a second of its time.
func onFake(t *testing.T, release string, names []string) (done []conformance.Step) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w, err := conformance.NewFake(release)
		require.NoError(t, err)
		done, err = conformance.RunSequence(t.Context(), w, "sequence-0", names, func(_ int, look func() string) string {
			time.Sleep(time.Second)
			synctest.Wait()
			return look()
		})
		require.NoError(t, err)
	})
	return done
}
