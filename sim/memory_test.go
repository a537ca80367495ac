package sim

import (
	"iter"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/internal/soak"
	"github.com/startrace/startrace/sim/strategy"
)

// stuck has goroutines that wait in every way there is.
func stuck(*T) {
	var mu, unlocked sync.Mutex
	var rw sync.RWMutex
	var wg sync.WaitGroup
	cond := sync.NewCond(&unlocked)
	c, d := make(chan int), make(chan int)
	wg.Add(1)
	mu.Lock()
	rw.RLock()
	for range 3 { // a list of waiters
		go func() { mu.Lock() }()
		go func() { unlocked.Lock(); cond.Wait() }()
		go func() { c <- 1 }()
		go wg.Wait()
	}
	go func() { rw.Lock() }()
	go func() { rw.RLock(); rw.RLock() }()
	go func() { <-d }()
	go func() {
		select {
		case <-d:
		case d <- 1:
		case <-time.After(1000 * time.Hour):
			select {}
		}
	}()
	go func() {
		var none chan int
		<-none
	}()
	next, _ := iter.Pull(func(yield func(int) bool) { yield(1) })
	next()
	wg.Wait()
}

// aborted ends by a panic, with goroutines that are held.
func aborted(*T) {
	start := make(chan struct{})
	for range 4 {
		go func() { <-start; time.Sleep(time.Second) }()
	}
	close(start)
	panic("over")
}

// TestFailuresLeaveNoMemory runs failing executions; make soak runs a million.
func TestFailuresLeaveNoMemory(t *testing.T) {
	executions := 50_000
	if testing.Short() || RaceEnabled {
		executions = 3_000
	}
	for _, c := range []struct {
		name string
		body func(*T)
		want Kind
	}{
		{"stuck", stuck, Deadlock},
		{"aborted", aborted, Panicked},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRunner(nil, c.body)
			plans := strategy.Portfolio{}
			run := func(n int) (goroutines int, bytes uint64) {
				for i := range n {
					res := r.run(Config{Plan: plans.At(i), Seed: uint64(i)})
					require.NotNil(t, res.Failure)
					require.Equal(t, c.want, res.Failure.Kind, res.Failure.Title)
				}
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return runtime.NumGoroutine(), m.HeapInuse + m.StackInuse
			}
			goroutines, before := run(1000)
			after, bytes := run(soak.Times(executions))
			assert.Equal(t, goroutines, after)
			assert.Less(t, bytes, before+8<<20)
		})
	}
}

// TestStuckGoroutinesLeaveQueues checks that those who wait outside are woken
// although a goroutine of a failed execution waited before them.
func TestStuckGoroutinesLeaveQueues(t *testing.T) {
	c := make(chan int)
	for range 20 {
		res := Run(Config{}, func(*T) {
			go func() { c <- 1 }()
			go func() {
				select {
				case c <- 1:
				case <-make(chan int):
				}
			}()
			go func() { panic("over") }()
			time.Sleep(time.Second)
		})
		require.NotNil(t, res.Failure)
	}
	select {
	case <-c:
		t.Error("a goroutine that has ended sent something")
	default:
	}
	go func() { c <- 2 }()
	assert.Equal(t, 2, <-c)
}
