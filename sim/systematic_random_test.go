package sim_test

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// world has one of each thing that goroutines share. The numbers are the state
// that an order of operations shows in; a lock protects them where a program
// takes one.
type world struct {
	mu, mu2 sync.Mutex
	rw      sync.RWMutex
	cond    *sync.Cond
	wg      sync.WaitGroup
	once    sync.Once
	m       sync.Map
	a       atomic.Int32
	c, d    chan int
	n, k    int
	woken   bool
}

func newWorld(size int) *world {
	w := &world{c: make(chan int, size), d: make(chan int, 1)}
	w.cond = sync.NewCond(&w.mu)
	return w
}

// operations are what random programs consist of. Each returns what it saw.
var operations = map[string]func(w *world, id int) int{
	"lock": func(w *world, id int) int {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.n = 3*w.n + id
		return w.n
	},
	"lock2": func(w *world, id int) int {
		w.mu2.Lock()
		defer w.mu2.Unlock()
		w.k = 3*w.k + id
		return w.k
	},
	"nested": func(w *world, id int) int {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.mu2.Lock()
		defer w.mu2.Unlock()
		w.k = 3*w.k + id
		return w.k
	},
	"nested2": func(w *world, id int) int {
		w.mu2.Lock()
		defer w.mu2.Unlock()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.n = 3*w.n + id
		return w.n
	},
	"lockedatomic": func(w *world, id int) int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return int(w.a.Add(int32(id)))
	},
	"trylock": func(w *world, id int) int {
		if !w.mu.TryLock() {
			return -1
		}
		defer w.mu.Unlock()
		w.n = 3*w.n + id
		return w.n
	},
	"rlock": func(w *world, _ int) int {
		w.rw.RLock()
		defer w.rw.RUnlock()
		return int(w.a.Load())
	},
	"wlock": func(w *world, id int) int {
		w.rw.Lock()
		defer w.rw.Unlock()
		w.a.Store(int32(id))
		return 0
	},
	"rlocktwice": func(w *world, _ int) int {
		w.rw.RLock()
		defer w.rw.RUnlock()
		w.rw.RLock()
		defer w.rw.RUnlock()
		return 1
	},
	"load":  func(w *world, _ int) int { return int(w.a.Load()) },
	"store": func(w *world, id int) int { w.a.Store(int32(id)); return 0 },
	"add":   func(w *world, id int) int { return int(w.a.Add(int32(id))) },
	"send":  func(w *world, id int) int { w.c <- id; return 0 },
	"recv":  func(w *world, _ int) int { return <-w.c },
	"send2": func(w *world, id int) int { w.d <- id; return 0 },
	"recv2": func(w *world, _ int) int { return <-w.d },
	"close": func(w *world, _ int) int { close(w.c); return 0 },
	"poll": func(w *world, _ int) int {
		select {
		case x := <-w.c:
			return x
		case x := <-w.d:
			return 10 + x
		default:
			return -1
		}
	},
	"select": func(w *world, id int) int {
		select {
		case x := <-w.c:
			return x
		case w.d <- id:
			return 10
		}
	},
	"await": func(w *world, _ int) int {
		w.mu.Lock()
		defer w.mu.Unlock()
		for !w.woken {
			w.cond.Wait()
		}
		return w.n
	},
	"signal": func(w *world, _ int) int {
		w.mu.Lock()
		w.woken = true
		w.mu.Unlock()
		w.cond.Signal()
		return 0
	},
	"go": func(w *world, id int) int {
		w.wg.Go(func() { w.a.Add(int32(5 * id)) })
		return 0
	},
	"wait": func(w *world, _ int) int { w.wg.Wait(); return int(w.a.Load()) },
	"once": func(w *world, id int) int {
		w.once.Do(func() { w.a.Store(int32(7 * id)) })
		return int(w.a.Load())
	},
	"map": func(w *world, id int) int {
		x, _ := w.m.LoadOrStore("k", id)
		return x.(int)
	},
	"choose": func(w *world, id int) int {
		if sim.Choose("a value", 2) == 0 {
			return 0
		}
		return int(w.a.Add(int32(id)))
	},
	"yield": func(*world, int) int { runtime.Gosched(); return 0 },
	"sleep": func(*world, int) int { time.Sleep(time.Second); return 0 },
	"timeout": func(w *world, _ int) int {
		select {
		case x := <-w.c:
			return x
		case <-time.After(time.Second):
			return -1
		}
	},
}

// program is what each goroutine does.
type program struct {
	size       int // of a channel
	goroutines [][]string
}

// ends returns all ends that a strategy finds: what each goroutine saw and what
// is left, or that something failed.
func (p program) ends(t require.TestingT, s strategy.Strategy, budget int) ([]string, sim.Report) {
	ends := map[string]bool{}
	body := func(*sim.T) {
		w := newWorld(p.size)
		saw := make([][]int, len(p.goroutines))
		left := len(p.goroutines)
		var mu sync.Mutex
		for i, ops := range p.goroutines {
			go func() {
				var mine []int
				for _, name := range ops {
					mine = append(mine, p.do(w, name, i+1))
				}
				sim.Quietly(func() {
					mu.Lock()
					defer mu.Unlock()
					saw[i] = mine
					if left--; left == 0 {
						ends[fmt.Sprint(saw, w.n, w.k)] = true
					}
				})
			}()
		}
	}
	r := sim.Search(sim.Options{
		Name: "random", Strategy: s, Executions: budget, Shrink: -1, SelfCheck: 100,
		Config: sim.Config{EarlyTimers: -1},
	}, body)
	require.NoError(t, r.Err)
	if r.Found != nil {
		return []string{string(r.Found.Failure.Kind)}, r
	}
	return slices.Sorted(maps.Keys(ends)), r
}

// do performs an operation. That it panics is one of its ends.
func (p program) do(w *world, name string, id int) (saw int) {
	defer func() {
		if recover() != nil {
			saw = -9
		}
	}()
	return operations[name](w, id)
}

func (p program) String() string {
	var s []string
	for _, ops := range p.goroutines {
		s = append(s, strings.Join(ops, ","))
	}
	return fmt.Sprintf("%d: %s", p.size, strings.Join(s, " | "))
}

// seed sets the seed of rapid, unless a flag does: the programs are the same in
// every run, and others with -rapid.seed.
func seed(t *testing.T, n string) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.seed" || f.Name == "rapid.failfile" })
	if given {
		return
	}
	f := flag.Lookup("rapid.seed")
	before := f.Value.String()
	require.NoError(t, f.Value.Set(n))
	t.Cleanup(func() { _ = f.Value.Set(before) })
}

// TestDPORFindsAllEnds compares with the search through all choices, or its
// beginning if that takes too long.
func TestDPORFindsAllEnds(t *testing.T) {
	seed(t, "1")
	names := slices.Sorted(maps.Keys(operations))
	if sim.RaceEnabled {
		// Closing a channel beside a send, and Add beside Wait, are data races
		// to the detector, which it would be right to report.
		names = slices.DeleteFunc(names, func(name string) bool { return name == "close" || name == "go" })
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(2, 3).Draw(rt, "goroutines")
		p := program{size: rapid.IntRange(0, 2).Draw(rt, "size")}
		for range n {
			p.goroutines = append(p.goroutines, rapid.SliceOfN(rapid.SampledFrom(names), 1, 5-n).Draw(rt, "ops"))
		}
		want, all := p.ends(rt, strategy.ICB{}, 3_000)
		got, some := p.ends(rt, strategy.DPOR{}, 20_000)
		if some.Found != nil && all.Found == nil {
			assert.False(rt, all.Exhausted, "%v: only DPOR finds a %s", p, some.Found.Failure.Kind)
			return
		}
		require.True(rt, some.Exhausted || some.Found != nil, "%v", p)
		if all.Exhausted {
			assert.Equal(rt, want, got, "%v", p)
			assert.LessOrEqual(rt, some.Executions, all.Executions, "%v", p)
		} else {
			assert.Subset(rt, got, want, "%v", p)
		}
	})
}

// TestDPORFindsRareEnds has programs that an earlier version missed ends of.
func TestDPORFindsRareEnds(t *testing.T) {
	for _, c := range []struct {
		program    program
		executions int
		ends       []string
	}{
		// The TryLock comes before the lock, while it is held, or after it; the
		// addition before that of the new goroutine or after it.
		{
			program{goroutines: [][]string{{"go", "add"}, {"signal", "yield"}, {"trylock"}}},
			3 * 2,
			[]string{"[[0 1] [0 0] [-1]] 0 0", "[[0 1] [0 0] [3]] 3 0", "[[0 6] [0 0] [-1]] 0 0", "[[0 6] [0 0] [3]] 3 0"},
		},
		// The TryLock comes before the second lock, while it is held, or after it; the
		// select before the send, or after it with a value that it draws.
		{
			program{size: 1, goroutines: [][]string{{"nested2"}, {"send", "trylock"}, {"yield", "select"}}},
			3 * (1 + 2),
			[]string{
				"[[1] [0 -1] [0 10]] 1 0", "[[1] [0 -1] [0 2]] 1 0", "[[1] [0 5] [0 10]] 5 0",
				"[[1] [0 5] [0 2]] 5 0", "[[7] [0 2] [0 10]] 7 0", "[[7] [0 2] [0 2]] 7 0",
			},
		},
	} {
		t.Run(c.program.String(), func(t *testing.T) {
			ends, r := c.program.ends(t, strategy.DPOR{}, 3_000)
			assert.True(t, r.Exhausted)
			assert.Equal(t, c.ends, ends)
			assert.Equal(t, c.executions, r.Executions)
			assert.Zero(t, r.Wasted)
		})
	}
}
