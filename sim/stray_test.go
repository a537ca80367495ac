package sim_test

import (
	"io"
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// readLater reads what another goroutine writes into the other end of conn.
func readLater(t *sim.T, r io.Reader, w io.Writer) {
	done := make(chan error, 1)
	go func() {
		_, err := r.Read(make([]byte, 1))
		done <- err
	}()
	if _, err := w.Write([]byte{1}); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func strayIsNamed(t *testing.T) {
	body := func(t *sim.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		readLater(t, r, w)
	}
	// The reader has to be the first one, or it does not wait.
	res := sim.Run(sim.Config{Plan: strategy.Plan{Name: "reader first", Replay: []uint32{1, 1, 1, 1, 1, 1}}}, body)
	require.Nil(t, res.Failure)
	assert.Positive(t, res.Strays)
	assert.Regexp(t, `^g\d+: IO wait at stray_test.go:20$`, res.Stray)

	r := sim.Search(sim.Options{Name: t.Name(), Executions: 50, SelfCheck: -1}, body)
	require.NoError(t, r.Err)
	assert.Positive(t, r.Strays)
	assert.Regexp(t, `wake-ups came from outside of our control, the first of g\d+: IO wait at stray_test.go:20`, r.String())
	assert.Contains(t, (&sim.Found{Failure: &sim.Failure{Title: "lost"}}).Text(r), "IO wait at stray_test.go:20")
}

// A connection in memory is controlled.
func noStrays(t *testing.T) {
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 50}, func(t *sim.T) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		readLater(t, a, b)
	})
	require.NoError(t, r.Err)
	assert.Nil(t, r.Found)
	assert.Zero(t, r.Strays)
	assert.Empty(t, r.Stray)
	assert.NotContains(t, r.String(), "outside of our control")
}
