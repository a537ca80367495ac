package sim

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim/internal/ctl"
)

func TestTurnsRoundTrip(t *testing.T) {
	turns := []ctl.Turn{{From: 1, Point: 5, To: 2}, {From: 3, Point: 1}, {Point: 4294967295, To: 4294967295}}
	got, err := parseTurns(formatTurns(turns))
	require.NoError(t, err)
	assert.Equal(t, turns, got)
}

// FuzzParseTurns: what can be read is written so that it reads the same.
func FuzzParseTurns(f *testing.F) {
	f.Add("1.5.2,3.1.1")
	f.Add("0.4294967295.1")
	f.Add("1.2.3,")
	f.Fuzz(func(t *testing.T, text string) {
		turns, err := parseTurns(text)
		if err != nil {
			return
		}
		again, err := parseTurns(formatTurns(turns))
		require.NoError(t, err)
		require.Equal(t, turns, again)
	})
}
