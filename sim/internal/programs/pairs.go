package programs

import (
	"sync"
	"sync/atomic"
)

// stack: the consumer asks whether anything was ever pushed, not whether
// anything is there.
func stack(fail func(string)) {
	const size = 10
	var mu sync.Mutex
	top, pushed := 0, false
	together(func() {
		for range size {
			mu.Lock()
			top++
			pushed = true
			mu.Unlock()
		}
	}, func() {
		for range size {
			mu.Lock()
			if pushed {
				if top == 0 {
					fail("underflow")
				} else {
					top--
				}
			}
			mu.Unlock()
		}
	})
}

// tokenRing: three members copy a token, each from the one before; whoever
// looks when all have done so expects that they agree.
func tokenRing(fail func(string)) {
	var mu sync.Mutex
	x := [3]int{1, 2, 1}
	var done [3]bool
	member := func(i int, value func() int) func() {
		return func() {
			mu.Lock()
			defer mu.Unlock()
			x[i] = value()
			done[i] = true
		}
	}
	together(
		member(0, func() int { return (x[2] + 1) % 4 }),
		member(1, func() int { return x[0] }),
		member(2, func() int { return x[1] }),
		func() {
			mu.Lock()
			defer mu.Unlock()
			if done == [3]bool{true, true, true} && (x[0] != x[1] || x[1] != x[2]) {
				fail("the members disagree")
			}
		})
}

// lazy: a sum that is too large once both others have added to it.
func lazy(fail func(string)) {
	var mu sync.Mutex
	data := 0
	add := func(n int) func() {
		return func() {
			mu.Lock()
			data += n
			mu.Unlock()
		}
	}
	together(add(1), add(2), func() {
		mu.Lock()
		defer mu.Unlock()
		if data >= 3 {
			fail("both came before")
		}
	})
}

// deadlock: two locks, taken in either order. The failure is that of the runtime.
func deadlock(fail func(string)) {
	var a, b sync.Mutex
	count := 0
	both := func(x, y *sync.Mutex) func() {
		return func() {
			x.Lock()
			defer x.Unlock()
			y.Lock()
			defer y.Unlock()
			count++
		}
	}
	together(both(&a, &b), both(&b, &a))
	if count != 2 {
		fail("not counted")
	}
}

// bluetooth: the driver is stopped between the question whether it is stopping
// and the note that it is in use.
func bluetooth(fail func(string)) {
	var stopping, idle, stopped atomic.Bool
	var pending atomic.Int32
	pending.Store(1)
	leave := func() {
		if pending.Add(-1) == 0 {
			idle.Store(true)
		}
	}
	together(func() {
		stopping.Store(true)
		leave()
		if idle.Load() {
			stopped.Store(true)
		}
	}, func() {
		if !stopping.Load() {
			pending.Add(1)
			if stopped.Load() {
				fail("in use and stopped")
			}
		}
		leave()
	})
}

// account: whoever checks last computes the balance wrongly.
func account(fail func(string)) {
	var mu sync.Mutex
	balance, deposited, withdrawn := 1, false, false
	together(func() {
		mu.Lock()
		defer mu.Unlock()
		balance += 2
		deposited = true
	}, func() {
		mu.Lock()
		defer mu.Unlock()
		balance -= 4
		withdrawn = true
	}, func() {
		mu.Lock()
		defer mu.Unlock()
		if deposited && withdrawn && balance != 1-2-4 {
			fail("wrong balance")
		}
	})
}

// workSteal: the owner of a queue takes from its tail without a lock, a thief
// from its head; the thief looks at the tail before it takes, not after, so
// that the last item is taken twice.
func workSteal(fail func(string)) {
	const items = 4
	var head, tail atomic.Int32
	var taken [items]atomic.Int32
	take := func(i int32) {
		if taken[i].Add(1) > 1 {
			fail("an item was taken twice")
		}
	}
	together(func() {
		for range items {
			tail.Add(1)
		}
		for range items {
			t := tail.Add(-1)
			if head.Load() > t {
				tail.Store(t + 1) // empty
				return
			}
			take(t)
		}
	}, func() {
		for range items {
			if h := head.Load(); h < tail.Load() {
				head.Store(h + 1)
				take(h)
			}
		}
	})
}
