package blackbox

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/startrace/startrace/scenarios"
)

// timing is what was learned of the duration of starts, so that the other calls can
// be made to meet them.
type timing struct {
	mu    sync.Mutex
	made  time.Duration // from the call of StartContainer until the process is there
	start time.Duration // until it returns
}

func newTiming() *timing { return &timing{made: 30 * time.Millisecond, start: 60 * time.Millisecond} }

// learn takes in a start that succeeded; made is 0 if nobody knows.
func (t *timing) learn(made, start time.Duration) {
	const weight = 5 // of what was learned before, to 1
	t.mu.Lock()
	defer t.mu.Unlock()
	if made > 0 && made < start {
		t.made = (weight*t.made + made) / (weight + 1)
	}
	t.start = (weight*t.start + start) / (weight + 1)
}

// The shares of the calls that are to meet a start: while it runs the process, and
// at any time of it. The rest comes within farAway times its duration.
const (
	shareMade  = 50 // percent
	shareStart = 35
	farAway    = 4
)

// draw returns when an operation is to be called, counted from the first start.
func (t *timing) draw(random *rand.Rand, kind scenarios.OpKind) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	share := random.IntN(100)
	switch {
	case kind == scenarios.Start:
		return within(random, t.start)
	case share < shareMade:
		return t.made + within(random, t.start-t.made)
	case share < shareMade+shareStart:
		return within(random, t.start)
	}
	return within(random, farAway*t.start)
}

// exit returns after which time the process is to end: half of them at once.
func (t *timing) exit(random *rand.Rand) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if random.IntN(2) == 0 {
		return 0
	}
	return within(random, t.start)
}

func within(random *rand.Rand, limit time.Duration) time.Duration {
	return time.Duration(random.Int64N(max(1, int64(limit))))
}
