package real_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/fakes/conformance"
)

// TestEvents counts how the events of a container that ends at once arrive, and
// how often its exit is known before its Start returns.
func TestEvents(t *testing.T) {
	for _, release := range conformance.Releases() {
		t.Run(release, func(t *testing.T) {
			w := open(t, release)
			n := 10
			if *long {
				n = 200
			}
			got, err := conformance.RunLifecycles(t.Context(), w, n)
			require.NoError(t, err)
			t.Logf("%s", got)
			for order := range got.Orders {
				assert.Regexp(t, `^create,start\b`, order, "create and start are neither lost nor late")
			}
			if *long && *update {
				record(t, "events", release, got.String())
			}
		})
	}
}
