package litmus

import "sync"

// channels are races beside channels.
var channels = []pair{
	{"hand-over by a channel", func() {
		n := 0
		c := make(chan bool, 1)
		both(func() { c <- true; n = 1 }, func() { <-c; use(n) })
	}, func() {
		n := 0
		c := make(chan bool, 1)
		both(func() { n = 1; c <- true }, func() { <-c; use(n) })
	}},
	{"receive before a send is done", func() {
		n := 0
		c := make(chan bool, 1)
		both(func() { n = 1; <-c }, func() { c <- true; use(n) })
	}, func() {
		n := 0
		c := make(chan bool)
		both(func() { n = 1; <-c }, func() { c <- true; use(n) })
	}},
	{"channel as a semaphore", func() {
		n := 0
		c := make(chan bool, 2)
		add := func() { c <- true; n++; <-c }
		both(add, add)
	}, func() {
		n := 0
		c := make(chan bool, 1)
		add := func() { c <- true; n++; <-c }
		both(add, add)
	}},
	{"close", func() {
		n := 0
		c := make(chan bool)
		both(func() { close(c); n = 1 }, func() { <-c; use(n) })
	}, func() {
		n := 0
		c := make(chan bool)
		both(func() { n = 1; close(c) }, func() { <-c; use(n) })
	}},
	{"select", func() {
		n := 0
		a, b := make(chan bool, 1), make(chan bool, 1)
		both(func() { a <- true; n = 1; b <- true }, func() {
			select {
			case <-a:
				use(n)
			case <-b:
				use(n)
			}
		})
	}, func() {
		n := 0
		a, b := make(chan bool, 1), make(chan bool, 1)
		both(func() { a <- true; n = 1; b <- true }, func() {
			select {
			case <-a:
			case <-b:
				use(n)
			}
		})
	}},
	{"select with default", func() {
		n := 0
		c := make(chan bool, 1)
		both(func() { n = 1; c <- true }, func() {
			select {
			case <-c:
			default:
				use(n)
			}
		})
	}, func() {
		n := 0
		c := make(chan bool, 1)
		both(func() { n = 1; c <- true }, func() {
			select {
			case <-c:
				use(n)
			default:
			}
		})
	}},
	{"pointer that was sent", func() {
		c := make(chan *int, 1)
		both(func() { box := new(int); c <- box; *box = 1 }, func() { use(*<-c) })
	}, func() {
		c := make(chan *int, 1)
		both(func() { box := new(int); *box = 1; c <- box }, func() { use(*<-c) })
	}},
	{"results of workers", func() {
		var results []int
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() { results = append(results, i) })
		}
		wg.Wait()
		use(results)
	}, func() {
		results := make(chan int, 3)
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() { results <- i })
		}
		wg.Wait()
		for range 3 {
			use(<-results)
		}
	}},
}
