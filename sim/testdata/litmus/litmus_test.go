// Package litmus has small programs in pairs: one with a data race, and one that
// looks alike and has none. Package sim runs its tests with -race: those named
// racy have to fail, those named clean must not.
package litmus

import (
	"sync"
	"testing"

	"github.com/startrace/startrace/sim"
)

func TestMain(m *testing.M) { sim.Main(m) }

// pair is a race and its clean twin. Both are ordinary Go.
type pair struct {
	name        string
	racy, clean func()
}

func TestLitmus(t *testing.T) {
	for _, pairs := range [][]pair{memory, locks, channels, clocks} {
		for _, p := range pairs {
			t.Run(p.name+"/racy", func(t *testing.T) { explore(t, p.racy) })
			t.Run(p.name+"/clean", func(t *testing.T) { explore(t, p.clean) })
		}
	}
}

func explore(t *testing.T, program func()) {
	sim.Explore(t, sim.Options{Executions: 1000}, func(*sim.T) { program() })
}

// both runs two functions in goroutines of their own and waits for them.
func both(f, g func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	wg.Go(g)
	wg.Wait()
}

// use reads a value, and does nothing else.
//
//go:noinline
func use[V any](V) {}
