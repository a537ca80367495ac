package litmus

import (
	"context"
	"sync"
	"time"
)

// clocks are races beside timers and contexts.
var clocks = []pair{
	{"AfterFunc", func() {
		n := 0
		done := make(chan bool)
		time.AfterFunc(time.Second, func() { n = 1; close(done) })
		use(n)
		n = 2
		<-done
	}, func() {
		n := 0
		done := make(chan bool)
		time.AfterFunc(time.Second, func() { n = 1; close(done) })
		<-done
		use(n)
	}},
	{"time-out", func() {
		n := 0
		done := make(chan bool, 1)
		go func() { n = 1; done <- true }()
		select {
		case <-done:
		case <-time.After(time.Second):
			use(n)
		}
	}, func() {
		n := 0
		done := make(chan bool, 1)
		go func() { n = 1; done <- true }()
		select {
		case <-done:
			use(n)
		case <-time.After(time.Second):
		}
	}},
	{"canceled context", func() {
		n := 0
		ctx, cancel := context.WithCancel(context.Background())
		both(func() { cancel(); n = 1 }, func() { <-ctx.Done(); use(n) })
	}, func() {
		n := 0
		ctx, cancel := context.WithCancel(context.Background())
		both(func() { n = 1; cancel() }, func() { <-ctx.Done(); use(n) })
	}},
	{"function after a context", func() {
		n := 0
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Add(1)
		context.AfterFunc(ctx, func() { use(n); wg.Done() })
		cancel()
		n = 1
		wg.Wait()
	}, func() {
		n := 0
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Add(1)
		context.AfterFunc(ctx, func() { use(n); wg.Done() })
		n = 1
		cancel()
		wg.Wait()
	}},
	{"ticker", func() {
		n := 0
		t := time.NewTicker(time.Second)
		defer t.Stop()
		both(func() { n = 1 }, func() { <-t.C; use(n) })
	}, func() {
		n := 0
		t := time.NewTicker(time.Second)
		defer t.Stop()
		<-t.C
		both(func() { use(n) }, func() { use(n) })
	}},
}
