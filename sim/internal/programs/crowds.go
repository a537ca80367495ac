package programs

import (
	"sync"
	"sync/atomic"
)

// twoStage: writers publish in two critical sections; the reader must not come
// in between.
func twoStage(writers int) func(func(string)) {
	return func(fail func(string)) {
		var first, second struct {
			sync.Mutex
			value int
		}
		write := func() {
			first.Lock()
			first.value = 1
			first.Unlock()
			second.Lock()
			second.value = 2
			second.Unlock()
		}
		read := func() {
			first.Lock()
			a := first.value
			first.Unlock()
			if a == 0 {
				return
			}
			second.Lock()
			b := second.value
			second.Unlock()
			if b != a+1 {
				fail("the second stage is behind the first")
			}
		}
		together(append(times(writers, write), read)...)
	}
}

// reorder: setters write two variables one after the other; a checker must not
// see the first write without the second.
func reorder(setters, checkers int) func(func(string)) {
	return func(fail func(string)) {
		var a, b atomic.Int32
		set := func() {
			a.Store(1)
			b.Store(-1)
		}
		check := func() {
			if (a.Load() != 0 || b.Load() != 0) && (a.Load() != 1 || b.Load() != -1) {
				fail("half set")
			}
		}
		together(append(times(setters, set), times(checkers, check)...)...)
	}
}

// wrongLock: one goroutine guards the data with another lock than all others.
func wrongLock(others int) func(func(string)) {
	return func(fail func(string)) {
		var right, wrong sync.Mutex
		var data atomic.Int32
		increment := func() { data.Store(data.Load() + 1) }
		check := func() {
			right.Lock()
			defer right.Unlock()
			x := data.Load()
			increment()
			if data.Load() != x+1 {
				fail("somebody else wrote")
			}
		}
		together(append([]func(){check}, times(others, func() {
			wrong.Lock()
			defer wrong.Unlock()
			increment()
		})...)...)
	}
}
