package real_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/startrace/startrace/fakes/conformance"
)

// TestFaults kills shims and daemons and compares what was seen with what was
// recorded.
func TestFaults(t *testing.T) {
	for _, release := range conformance.Releases() {
		t.Run(release, func(t *testing.T) {
			if !*long && release != conformance.Pinned {
				t.Skip("run by make conformance")
			}
			w := open(t, release)
			begin := time.Now()
			got := conformance.Faults{}
			for i, c := range conformance.FaultCases() {
				seen, err := conformance.RunFault(t.Context(), w, fmt.Sprintf("fault-%d", i), c)
				assert.NoError(t, err, "%s", c.Key())
				got[c.Key()] = seen
			}
			t.Logf("%d cases in %v", len(got), time.Since(begin).Round(time.Second))
			if *long && *update {
				record(t, "faults", release, got.String())
				return
			}
			assert.Equal(t, conformance.RecordedFaults(release), got)
		})
	}
}
