package sim_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// TestDPORCountsOfSignals has programs with channels that are only closed.
func TestDPORCountsOfSignals(t *testing.T) {
	for name, c := range map[string]struct {
		want int
		body func(c, d chan int)
	}{
		"a receive beside a close": {1, func(c, _ chan int) {
			go func() { close(c) }()
			go func() { <-c }()
		}},
		"3 receives beside a close": {1, func(c, _ chan int) {
			go func() { close(c) }()
			parallel(3, func(int) { <-c })
		}},
		"a select beside a close": {1, func(c, d chan int) {
			go func() { close(c) }()
			go func() {
				select {
				case <-c:
				case <-d:
				}
			}()
		}},
		// The select is ended by one or by the other, or may take either.
		"a select beside 2 closes": {4, func(c, d chan int) {
			go func() { close(c) }()
			go func() { close(d) }()
			go func() {
				select {
				case <-c:
				case <-d:
				}
			}()
		}},
		"a select that does not block beside a close": {2, func(c, _ chan int) {
			go func() { close(c) }()
			go func() {
				select {
				case <-c:
				default:
				}
			}()
		}},
		"2 receives that do not block beside a close": {4, func(c, _ chan int) {
			go func() { close(c) }()
			parallel(2, func(int) {
				select {
				case <-c:
				default:
				}
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := exhaust(t, strategy.DPOR{}, func(*sim.T) { c.body(make(chan int), make(chan int)) })
			assert.Equal(t, c.want, r.Inequivalent)
			// A select asleep does not know that it commutes with a close.
			assert.LessOrEqual(t, r.Executions, c.want+c.want/2)
		})
	}
}

// signalling is a world of channels that are closed, and some that are not.
type signalling struct {
	p, q chan int // closed, if anything happens to them
	c    chan int // buffered, with values
	mu   sync.Mutex
	n    int
}

func (w *signalling) lock(id int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n = 3*w.n + id
	return w.n
}

var signals = map[string]func(w *signalling, id int) int{
	"lock":   (*signalling).lock,
	"closep": func(w *signalling, _ int) int { close(w.p); return 0 },
	"closeq": func(w *signalling, _ int) int { close(w.q); return 0 },
	"closec": func(w *signalling, _ int) int { close(w.c); return 0 },
	"recvp":  func(w *signalling, _ int) int { return <-w.p },
	"recvq":  func(w *signalling, _ int) int { return <-w.q },
	"recvc":  func(w *signalling, _ int) int { return <-w.c },
	"send":   func(w *signalling, id int) int { w.c <- id; return 0 },
	"pollp": func(w *signalling, _ int) int {
		select {
		case <-w.p:
			return 1
		default:
			return 2
		}
	},
	"pollpq": func(w *signalling, _ int) int {
		select {
		case <-w.p:
			return 1
		case <-w.q:
			return 2
		default:
			return 3
		}
	},
	"selectpq": func(w *signalling, _ int) int {
		select {
		case <-w.p:
			return 1
		case <-w.q:
			return 2
		}
	},
	"selectpc": func(w *signalling, _ int) int {
		select {
		case <-w.p:
			return -1
		case x := <-w.c:
			return x
		}
	},
	"offer": func(w *signalling, id int) int {
		select {
		case <-w.q:
			return 1
		case w.c <- id:
			return 2
		}
	},
	"timeout": func(w *signalling, _ int) int {
		select {
		case <-w.p:
			return 1
		case <-time.After(time.Second):
			return 2
		}
	},
}

// TestDPORFindsAllEndsOfSignals compares with the search through all choices.
func TestDPORFindsAllEndsOfSignals(t *testing.T) {
	seed(t, "1")
	names := slices.Sorted(maps.Keys(signals))
	if sim.RaceEnabled { // see TestDPORFindsAllEnds
		names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "close") })
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(2, 4).Draw(rt, "goroutines")
		size := rapid.IntRange(0, 2).Draw(rt, "size")
		var goroutines [][]string
		for range n {
			goroutines = append(goroutines, rapid.SliceOfN(rapid.SampledFrom(names), 1, max(1, 4-n)).Draw(rt, "ops"))
		}
		ends := func(s strategy.Strategy, budget int) ([]string, sim.Report) {
			found := map[string]bool{}
			r := sim.Search(sim.Options{
				Name: "random", Strategy: s, Executions: budget, Shrink: -1, SelfCheck: 100,
				Config: sim.Config{EarlyTimers: -1},
			}, func(*sim.T) {
				w := &signalling{p: make(chan int), q: make(chan int), c: make(chan int, size)}
				saw, left := make([][]int, n), n
				var mu sync.Mutex
				for i, ops := range goroutines {
					go func() {
						var mine []int
						defer func() {
							if recover() != nil {
								mine = append(mine, -9)
							}
							sim.Quietly(func() {
								mu.Lock()
								defer mu.Unlock()
								saw[i] = mine
								if left--; left == 0 {
									found[fmt.Sprint(saw, w.n)] = true
								}
							})
						}()
						for _, name := range ops {
							mine = append(mine, signals[name](w, i+1))
						}
					}()
				}
			})
			require.NoError(rt, r.Err)
			if r.Found != nil {
				return []string{string(r.Found.Failure.Kind)}, r
			}
			return slices.Sorted(maps.Keys(found)), r
		}
		want, all := ends(strategy.ICB{}, 3_000)
		got, some := ends(strategy.DPOR{}, 20_000)
		if some.Found != nil && all.Found == nil {
			assert.False(rt, all.Exhausted, "%d %v: only DPOR finds a %s", size, goroutines, some.Found.Failure.Kind)
			return
		}
		require.True(rt, some.Exhausted || some.Found != nil, "%v", goroutines)
		if all.Exhausted {
			assert.Equal(rt, want, got, "%d %v", size, goroutines)
			assert.LessOrEqual(rt, some.Executions, all.Executions, "%d %v", size, goroutines)
		} else {
			assert.Subset(rt, got, want, "%d %v", size, goroutines)
		}
	})
}
