package conformance_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/fakes/conformance"
)

// TestFaults compares what becomes of containers when shim or daemon are killed.
func TestFaults(t *testing.T) {
	for _, release := range conformance.Releases() {
		recorded := conformance.RecordedFaults(release)
		for _, c := range conformance.FaultCases() {
			t.Run(release+"/"+c.Key(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, err := conformance.NewFake(release)
					require.NoError(t, err)
					seen, err := conformance.RunFault(t.Context(), w, "fault", c)
					require.NoError(t, err)
					assert.Equal(t, recorded[c.Key()], seen)
					time.Sleep(time.Minute) // shims send again what they could not
				})
			})
		}
	}
	assert.NotEqual(t, conformance.RecordedFaults("1.6.20"), conformance.RecordedFaults(conformance.Pinned), "what ended meanwhile is lost with 2.4.2 only")
}
