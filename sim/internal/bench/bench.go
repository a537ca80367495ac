// Package bench has the programs of the benchmarks. Its own benchmarks run them
// on the ordinary runtime, for comparison with those of package sim.
package bench

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Goroutines of a program.
const Goroutines = 3

// Rounds of the programs that are measured.
var Rounds = []int{5, 10}

// Name of the program with so many rounds.
func Name(rounds int) string { return fmt.Sprintf("lock%dx%d", Goroutines, rounds) }

// Lock lets goroutines lock, increment and unlock, each so many times, and
// returns the sum.
func Lock(rounds int) (sum int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	wg.Add(Goroutines)
	for range Goroutines {
		go func() {
			defer wg.Done()
			for range rounds {
				mu.Lock()
				sum++
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	return sum
}

// Uncontended reports what it takes to lock and unlock a mutex that nobody else
// has. It is what programs that simulate pay outside of their executions.
func Uncontended(b *testing.B) {
	const rounds = 1000
	var mu sync.Mutex
	cpu := cpuTime()
	for b.Loop() {
		lock(&mu, rounds)
	}
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N*rounds), "cpu-ns/lock")
}

// lock is apart, since b.Loop changes what the compiler makes of its body.
func lock(mu *sync.Mutex, rounds int) (n int) {
	for range rounds {
		mu.Lock()
		n++
		mu.Unlock()
	}
	return n
}

// Measure runs program, which returns the number of scheduling points that it
// took, b.N times, and reports executions and points per second.
func Measure(b *testing.B, program func() int) {
	points := 0
	cpu := cpuTime()
	for b.Loop() {
		points += program()
	}
	used := cpuTime() - cpu
	b.ReportMetric(float64(b.N)/used.Seconds(), "exec/cpu-s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exec/s")
	if points > 0 {
		b.ReportMetric(float64(points)/used.Seconds(), "points/cpu-s")
		b.ReportMetric(float64(points)/b.Elapsed().Seconds(), "points/s")
	}
}

// cpuTime is what this process has used of all processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
