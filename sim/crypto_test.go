package sim_test

import (
	"crypto/rand"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
)

// text draws so many random bytes.
func text(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// The bytes of crypto/rand are a function of Config.Rand, in every way to get
// them, and a stream, not a constant.
func TestCryptoRandIsDeterministic(t *testing.T) {
	draw := func(seed uint64) (drawn []string) {
		res := sim.Run(sim.Config{Rand: seed}, func(*sim.T) {
			drawn = []string{text(5), text(16), rand.Text()}
			p, err := rand.Prime(rand.Reader, 64)
			require.NoError(t, err)
			drawn = append(drawn, p.String())
		})
		require.Nil(t, res.Failure)
		return drawn
	}
	first := draw(1)
	assert.Equal(t, first, draw(1))
	other := draw(2)
	for i := range first {
		assert.NotEqual(t, first[i], other[i])
	}
	assert.NotEqual(t, first[0], first[1][:10], "it goes on")
}

// A choice that depends on random bytes is found, and replays.
func TestCryptoRandReplays(t *testing.T) {
	body := func(t *sim.T) {
		c := make(chan string, 2)
		for range 2 {
			go func() { c <- text(8) }()
		}
		if a, b := <-c, <-c; a < b {
			t.Errorf("%s comes before %s", a, b)
		}
	}
	f := find(t, sim.Options{}, body)
	res, err := sim.Reproduce(sim.Config{}, f.Schedule, body)
	require.NoError(t, err)
	require.NotNil(t, res.Failure)
	assert.Equal(t, f.Failure.Title, res.Failure.Title)
}

// Outside of executions nothing is seeded, also beside one that runs.
func TestCryptoRandOutside(t *testing.T) {
	one, other := text(16), text(16)
	assert.NotEqual(t, one, other)
	beside := func() (drawn string) {
		ask, answer := make(chan struct{}), make(chan string)
		go func() {
			<-ask
			answer <- text(16)
		}()
		res := sim.Run(sim.Config{Rand: 1}, func(*sim.T) {
			_ = text(16)
			close(ask)
			drawn = <-answer
		})
		require.Nil(t, res.Failure)
		return drawn
	}
	one, other = beside(), beside()
	assert.NotEqual(t, one, other)
}
