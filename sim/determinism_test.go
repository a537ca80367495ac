package sim_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// primitives uses all of package sync, coroutines, a locked thread, a garbage
// collection and timers.
func primitives(say func(string, ...any)) {
	var rw sync.RWMutex
	var once sync.Once
	var m sync.Map
	var n atomic.Int64
	var v atomic.Value
	cond := sync.NewCond(&sync.Mutex{})
	ready := 0
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			once.Do(func() { say("once %d", i) })
			rw.RLock()
			say("read %d", i)
			rw.RUnlock()
			rw.Lock()
			say("write %d", i)
			rw.Unlock()
			_, loaded := m.LoadOrStore("k", i)
			say("map %v", loaded)
			v.Store(i)
			say("count %d of %v", n.Add(1), v.Load())
			cond.L.Lock()
			for ready == 0 {
				cond.Wait()
			}
			ready--
			say("woken %d", i)
			cond.L.Unlock()
			runtime.Gosched()
			next, stop := iter.Pull(func(yield func(int) bool) {
				for k := range 3 {
					say("pull %d", k)
					if !yield(k) {
						return
					}
				}
			})
			next()
			next()
			stop()
		})
	}
	wg.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for range 4 {
			cond.L.Lock()
			ready++
			cond.L.Unlock()
			cond.Signal()
		}
	})
	time.AfterFunc(time.Second, func() { say("timer") })
	p := sync.Pool{New: func() any { say("pool"); return new(int) }}
	p.Put(p.Get())
	p.Get()
	runtime.GC()
	wg.Wait()
	time.Sleep(2 * time.Second)
}

// choices uses what is random in Go: select, maps, math/rand, time-outs.
func choices(say func(string, ...any)) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	stopped, stop := context.WithCancel(ctx)
	a, b := make(chan int), make(chan int, 2)
	m := map[string]int{}
	for i := range 20 {
		m[fmt.Sprint("k", i)] = i
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 5 {
				say("%d %d %d", i, j, rand.IntN(1000))
				select {
				case a <- i:
				case b <- i * 10:
				case <-stopped.Done():
					say("%d stops: %v", i, stopped.Err())
					return
				}
				time.Sleep(time.Duration(rand.IntN(3)) * 100 * time.Millisecond)
			}
		})
	}
	wg.Go(func() {
		defer stop()
		for k := range m {
			select {
			case v := <-a:
				say("a %d for %s", v, k)
			case v := <-b:
				say("b %d for %s", v, k)
			case <-time.After(300 * time.Millisecond):
				say("timeout")
				return
			}
		}
	})
	wg.Wait()
}

var programs = map[string]func(func(string, ...any)){"primitives": primitives, "choices": choices}

// observe runs a program once and returns what it said, and its hash.
func observe(program string, cfg sim.Config) (string, sim.Result) {
	var mu sync.Mutex
	var out strings.Builder
	res := sim.Run(cfg, func(*sim.T) {
		out.Reset()
		programs[program](func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&out, "%v "+format+"\n", append([]any{time.Now().UnixNano()}, args...)...)
		})
	})
	return out.String(), res
}

func TestSameChoicesSameExecution(t *testing.T) {
	runs := 200
	if sim.RaceEnabled || testing.Short() {
		runs = 30
	}
	for program := range programs {
		t.Run(program, func(t *testing.T) {
			cfg := sim.Config{Plan: strategy.RandomWalk{}.At(0), Seed: 7}
			for range 3 {
				observe(program, cfg)
			}
			out, res := observe(program, cfg)
			require.Nil(t, res.Failure)
			require.Zero(t, res.Strays)
			require.NotEmpty(t, out)
			for range runs {
				again, same := observe(program, cfg)
				require.Equal(t, out, again)
				require.Equal(t, res.Schedule, same.Schedule)
			}
			different := map[string]bool{}
			for seed := range uint64(50) {
				cfg.Seed = seed
				out, res := observe(program, cfg)
				require.Nil(t, res.Failure)
				different[out] = true
			}
			assert.Greater(t, len(different), 40, "another seed is another execution")
		})
	}
}

func TestPlantedPrintHashes(t *testing.T) {
	planted(t)
	for _, program := range []string{"primitives", "choices"} {
		cfg := sim.Config{Plan: strategy.RandomWalk{}.At(0), Seed: 7}
		for range 3 {
			observe(program, cfg)
		}
		_, res := observe(program, cfg)
		fmt.Printf("hash %s %x\n", program, res.Hash())
	}
}

// The execution does not depend on the process: its number of processors, its
// garbage collections, its race detector.
func TestSameExecutionInEveryProcess(t *testing.T) {
	hashes := regexp.MustCompile(`(?m)^hash .*$`)
	run := func(env ...string) []string {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestPlantedPrintHashes$")
		cmd.Env = append(append(os.Environ(), plantedVariable+"=1"), env...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return hashes.FindAllString(string(out), -1)
	}
	want := run()
	require.Len(t, want, 2)
	for _, env := range []string{"GOMAXPROCS=1", "GOMAXPROCS=8", "GOGC=1", "GODEBUG=asyncpreemptoff=1", "GOMEMLIMIT=10MiB"} {
		assert.Equal(t, want, run(env), env)
	}
}
