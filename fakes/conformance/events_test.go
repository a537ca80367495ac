package conformance_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/fakes/conformance"
	"github.com/startrace/startrace/sim"
)

// TestEvents: the fake that behaves like a release has every order of events
// that was seen of the real daemon, and with its defaults a process that ends
// at once is known to have ended before its Start returns as often as was
// measured of real ones: in 20 to 50 of 100 runs.
func TestEvents(t *testing.T) {
	for _, release := range conformance.Releases() {
		t.Run(release, func(t *testing.T) {
			total := conformance.Frequencies{Orders: map[string]int{}}
			report := sim.Search(sim.Options{
				Name: t.Name(), Executions: 1000, SelfCheck: -1,
				Config: sim.Config{EarlyTimers: -1}, // what is late is waited for
			}, func(t *sim.T) {
				profile, err := conformance.Profile(release)
				if err != nil {
					t.Fatalf("%v", err)
				}
				w := conformance.Fake{Containerd: fakes.New(fakes.Options{Profile: profile})}
				got, err := conformance.RunLifecycles(context.Background(), w, 1)
				if err != nil {
					t.Fatalf("%v", err)
				}
				total.Add(got)
			})
			require.NoError(t, report.Err)
			require.Nil(t, report.Found, "%v", report.Found)
			t.Logf("%s", total)
			share := float64(total.Early) / float64(total.Runs)
			assert.InDelta(t, 0.35, share, 0.15, "the exit is known before Start returns")
			for order := range conformance.RecordedFrequencies(release).Orders {
				assert.Positive(t, total.Orders[order], "order %s", order)
			}
			if release == "1.6.20" {
				assert.Len(t, total.Orders, 1, "1.6.20 loses and inverts nothing")
			}
		})
	}
}
