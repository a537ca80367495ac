package litmus

import (
	"sync"
	"sync/atomic"
)

// memory are races on plain variables, and what publishes them.
var memory = []pair{
	{"unsynchronised counter", func() {
		n := 0
		both(func() { n++ }, func() { n++ })
	}, func() {
		var n atomic.Int64
		both(func() { n.Add(1) }, func() { n.Add(1) })
	}},
	{"publication by a flag", func() {
		data, ready := 0, false
		both(func() { data = 1; ready = true }, func() {
			if ready {
				use(data)
			}
		})
	}, func() {
		data := 0
		var ready atomic.Bool
		both(func() { data = 1; ready.Store(true) }, func() {
			if ready.Load() {
				use(data)
			}
		})
	}},
	{"publication before the data", func() {
		data := 0
		var ready atomic.Bool
		both(func() { ready.Store(true); data = 1 }, func() {
			if ready.Load() {
				use(data)
			}
		})
	}, func() {
		data := 0
		var ready atomic.Bool
		both(func() { data = 1; ready.Store(true) }, func() {
			for !ready.Load() {
			}
			use(data)
		})
	}},
	{"plain load of an atomic", func() {
		var n int64 //nolint:modernize // the functions are what is tested
		both(func() { atomic.StoreInt64(&n, 1) }, func() { use(n) })
	}, func() {
		var n int64 //nolint:modernize // as above
		both(func() { atomic.StoreInt64(&n, 1) }, func() { use(atomic.LoadInt64(&n)) })
	}},
	{"atomic value", func() {
		var v atomic.Value
		both(func() { box := &struct{ n int }{}; v.Store(box); box.n = 1 }, func() {
			if box, ok := v.Load().(*struct{ n int }); ok {
				use(box.n)
			}
		})
	}, func() {
		var v atomic.Value
		both(func() { box := &struct{ n int }{}; box.n = 1; v.Store(box) }, func() {
			if box, ok := v.Load().(*struct{ n int }); ok {
				use(box.n)
			}
		})
	}},
	{"flags of Dekker", func() {
		n, a, b := 0, false, false
		both(func() {
			if a = true; !b {
				n++
			}
		}, func() {
			if b = true; !a {
				n++
			}
		})
	}, func() {
		n := 0
		var a, b atomic.Bool
		both(func() {
			if a.Store(true); !b.Load() {
				n++
			}
		}, func() {
			if b.Store(true); !a.Load() {
				n++
			}
		})
	}},
	{"compare and swap", func() {
		n := 0
		var busy atomic.Bool
		enter := func() {
			if !busy.Load() {
				busy.Store(true)
				n++
				busy.Store(false)
			}
		}
		both(enter, enter)
	}, func() {
		n := 0
		var busy atomic.Bool
		enter := func() {
			if busy.CompareAndSwap(false, true) {
				n++
				busy.Store(false)
			}
		}
		both(enter, enter)
	}},
	{"captured loop variable", func() {
		var wg sync.WaitGroup
		i := 0
		for ; i < 2; i++ {
			wg.Go(func() { use(i) })
		}
		wg.Wait()
	}, func() {
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() { use(i) })
		}
		wg.Wait()
	}},
	{"captured error", func() {
		var err error
		both(func() { _, err = pass(nil) }, func() { _, err = pass(nil) })
		use(err)
	}, func() {
		both(func() { _, err := pass(nil); use(err) }, func() { _, err := pass(nil); use(err) })
	}},
	{"map", func() {
		m := map[int]int{}
		both(func() { m[1] = 1 }, func() { m[2] = 2 })
	}, func() {
		m := map[int]int{}
		var mu sync.Mutex
		add := func(k int) func() {
			return func() {
				mu.Lock()
				defer mu.Unlock()
				m[k] = k
			}
		}
		both(add(1), add(2))
	}},
	{"append", func() {
		var s []int
		both(func() { s = append(s, 1) }, func() { s = append(s, 2) })
	}, func() {
		s := make([]int, 2)
		both(func() { s[0] = 1 }, func() { s[1] = 2 })
	}},
	{"shared array behind slices", func() {
		s := make([]int, 1, 2)
		both(func() { use(append(s, 1)) }, func() { use(append(s, 2)) })
	}, func() {
		s := make([]int, 1)
		both(func() { use(append(s, 1)) }, func() { use(append(s, 2)) })
	}},
}

func pass(err error) (int, error) { return 0, err }
