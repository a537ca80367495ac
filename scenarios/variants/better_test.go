package variants_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/scenarios"
)

// What the reference does better than containerd 2.4.2, each pinned by hand: the
// interleaving goes wrong in variant v2_4_2, in the way that is named, and not at
// all in the reference. The files are by topic: better_start_test.go,
// better_exit_test.go, better_stop_test.go, better_restart_test.go and
// better_isolation_test.go.

// better runs an interleaving on both. wrong is the invariant that v2_4_2 breaks,
// or what test puts into world.wrong.
func better(t *testing.T, wrong string, prepare func(*fakes.Faults), test func(*world), env ...string) {
	onBoth(t, wrong, test, func(t *testing.T, variant string, test func(*world)) {
		in(t, variant, prepare, test, env...)
	})
}

// betterOutside is better for interleavings in which somebody waits for a lock.
func betterOutside(t *testing.T, wrong string, test func(*world)) { onBoth(t, wrong, test, outside) }

func onBoth(t *testing.T, wrong string, test func(*world), run func(*testing.T, string, func(*world))) {
	for _, variant := range []string{"v2_4_2", scenarios.Reference.Name} {
		t.Run(variant, func(t *testing.T) {
			run(t, variant, func(w *world) {
				test(w)
				if found := w.broken(); variant == scenarios.Reference.Name {
					assert.Empty(t, found)
				} else {
					assert.Contains(t, found, wrong)
				}
				if t.Failed() {
					t.Log(w.history)
				}
			})
		})
	}
}
