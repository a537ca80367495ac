package litmus

import (
	"sync"
	"sync/atomic"
)

// locks are races beside what package sync has.
var locks = []pair{
	{"mutex", func() {
		n := 0
		var a, b sync.Mutex
		both(func() { a.Lock(); n++; a.Unlock() }, func() { b.Lock(); n++; b.Unlock() })
	}, func() {
		n := 0
		var a sync.Mutex
		both(func() { a.Lock(); n++; a.Unlock() }, func() { a.Lock(); n++; a.Unlock() })
	}},
	{"mutex let go too early", func() {
		n := 0
		var mu sync.Mutex
		both(func() { mu.Lock(); mu.Unlock(); n++ }, func() { mu.Lock(); n++; mu.Unlock() })
	}, func() {
		n := 0
		var mu sync.Mutex
		both(func() {
			mu.Lock()
			n++
			mu.Unlock()
			n := 0
			n++
			use(n)
		}, func() { mu.Lock(); n++; mu.Unlock() })
	}},
	{"TryLock", func() {
		n := 0
		var mu sync.Mutex
		both(func() { mu.Lock(); n++; mu.Unlock() }, func() {
			if !mu.TryLock() {
				n++
				return
			}
			mu.Unlock()
		})
	}, func() {
		n := 0
		var mu sync.Mutex
		both(func() { mu.Lock(); n++; mu.Unlock() }, func() {
			if mu.TryLock() {
				n++
				mu.Unlock()
			}
		})
	}},
	{"RWMutex", func() {
		n := 0
		var mu sync.RWMutex
		both(func() { mu.RLock(); n++; mu.RUnlock() }, func() { mu.RLock(); use(n); mu.RUnlock() })
	}, func() {
		n := 0
		var mu sync.RWMutex
		both(func() { mu.Lock(); n++; mu.Unlock() }, func() { mu.RLock(); use(n); mu.RUnlock() })
	}},
	{"double-checked locking", func() {
		var mu sync.Mutex
		var box *int
		get := func() {
			if box == nil {
				mu.Lock()
				defer mu.Unlock()
				if box == nil {
					box = new(int)
				}
			}
			use(*box)
		}
		both(get, get)
	}, func() {
		var mu sync.Mutex
		var box atomic.Pointer[int]
		get := func() {
			if box.Load() == nil {
				mu.Lock()
				defer mu.Unlock()
				if box.Load() == nil {
					box.Store(new(int))
				}
			}
			use(*box.Load())
		}
		both(get, get)
	}},
	{"Once", func() {
		n := 0
		var once sync.Once
		set := func() { n = 1 }
		both(func() { once.Do(set) }, func() { use(n) })
	}, func() {
		n := 0
		var once sync.Once
		set := func() { n = 1 }
		both(func() { once.Do(set) }, func() { once.Do(set); use(n) })
	}},
	{"WaitGroup", func() {
		n := 0
		var wg sync.WaitGroup
		wg.Add(1)
		go func() { wg.Done(); n = 1 }()
		wg.Wait()
		use(n)
	}, func() {
		n := 0
		var wg sync.WaitGroup
		wg.Add(1)
		go func() { n = 1; wg.Done() }()
		wg.Wait()
		use(n)
	}},
	{"Cond", func() {
		n := 0
		c := sync.NewCond(&sync.Mutex{})
		both(func() { c.L.Lock(); n = 1; c.L.Unlock(); c.Signal() }, func() {
			for n == 0 {
				c.L.Lock()
				if n == 0 {
					c.Wait()
				}
				c.L.Unlock()
			}
		})
	}, func() {
		n := 0
		c := sync.NewCond(&sync.Mutex{})
		both(func() { c.L.Lock(); n = 1; c.L.Unlock(); c.Signal() }, func() {
			c.L.Lock()
			for n == 0 {
				c.Wait()
			}
			use(n)
			c.L.Unlock()
		})
	}},
	{"sync.Map", func() {
		var m sync.Map
		both(func() { box := new(int); m.Store("k", box); *box = 1 }, func() {
			if box, ok := m.Load("k"); ok {
				use(*box.(*int))
			}
		})
	}, func() {
		var m sync.Map
		both(func() { box := new(int); *box = 1; m.Store("k", box) }, func() {
			if box, ok := m.Load("k"); ok {
				use(*box.(*int))
			}
		})
	}},
	{"Pool", func() {
		p := sync.Pool{New: func() any { return new(int) }}
		box := p.Get().(*int)
		both(func() { *box = 1; p.Put(box) }, func() { *box = 2 })
	}, func() {
		p := sync.Pool{New: func() any { return new(int) }}
		set := func() { box := p.Get().(*int); *box = 1; p.Put(box) }
		both(set, set)
	}},
}
