package sim_test

import (
	"fmt"
	"sync"

	"github.com/startrace/startrace/sim"
)

// A counter that reads and writes in two steps loses an update, and one
// preemption is enough for that.
func ExampleSearch() {
	report := sim.Search(sim.Options{Name: "counter"}, func(t *sim.T) {
		var mu sync.Mutex
		var increments sync.WaitGroup
		n := 0
		for range 2 {
			increments.Go(func() {
				mu.Lock()
				seen := n
				mu.Unlock()
				mu.Lock()
				n = seen + 1
				mu.Unlock()
			})
		}
		increments.Wait()
		if n != 2 {
			t.Errorf("an update is lost: n is %d", n)
		}
	})
	fmt.Println(report.Found.Failure.Title)
	fmt.Println("preemptions:", report.Found.Preemptions)
	// Output:
	// an update is lost: n is 1
	// preemptions: 1
}

// Values that are drawn are part of the schedule, as the order of goroutines is.
func ExampleChoose() {
	report := sim.Search(sim.Options{Name: "disk"}, func(t *sim.T) {
		for write := range 3 {
			if sim.Choose("disk fails", 2) == 1 {
				t.Errorf("write %d fails", write+1)
			}
		}
	})
	fmt.Println("choices other than the tame one:", report.Found.Deviations)
	// Output:
	// choices other than the tame one: 1
}
