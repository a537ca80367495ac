package bench

import (
	"testing"
	"testing/synctest"
)

// BenchmarkPlain runs the programs on ordinary goroutines.
func BenchmarkPlain(b *testing.B) {
	for _, rounds := range Rounds {
		b.Run(Name(rounds), func(b *testing.B) {
			Measure(b, func() int { Lock(rounds); return 0 })
		})
	}
}

// BenchmarkSynctest runs the programs in ordinary bubbles.
func BenchmarkSynctest(b *testing.B) {
	for _, rounds := range Rounds {
		b.Run(Name(rounds), func(b *testing.B) {
			t := new(testing.T)
			Measure(b, func() int {
				synctest.Test(t, func(*testing.T) { Lock(rounds) })
				return 0
			})
		})
	}
}

// BenchmarkUncontended is a lock of the unpatched runtime.
func BenchmarkUncontended(b *testing.B) { Uncontended(b) }

func TestLock(t *testing.T) {
	if got := Lock(5); got != 5*Goroutines {
		t.Errorf("the sum is %d", got)
	}
}
