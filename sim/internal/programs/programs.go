// Package programs has small programs with one race each, by which strategies
// are compared: those of SCTBench (Thomson, Donaldson, Betts: Concurrency
// testing using controlled schedulers, TOPC 2016) that the literature publishes
// figures for, in our own words. They are ordinary Go. What is shared is atomic
// or guarded, so that every access is a scheduling point.
package programs

import (
	"fmt"
	"sync"
)

// Program is a program that fails under some schedules.
type Program struct {
	Name  string
	Depth int // scheduling constraints that a failure needs; 1 + preemptions
	Run   func(fail func(string))
	// Published is how many schedules the first failure took on average with
	// the strategies of Columns, by the data of Zhao, Wolff, Mathur,
	// Roychoudhury: Selectively uniform concurrency testing, ASPLOS 2025; budget
	// 10,000, 20 trials.
	Published [5]Figure
}

// Columns are the strategies of Program.Published, as package strategy writes
// them.
var Columns = [5]string{"surw", "pct:3", "pct:10", "pos", "random"}

// Figure is a published mean.
type Figure struct {
	Mean int  // 0 for none
	Not  bool // not in all trials; without Mean in none
}

// String is the figure as tables have it.
func (f Figure) String() string {
	switch {
	case f.Mean == 0 && f.Not:
		return "never"
	case f.Mean == 0:
		return ""
	case f.Not:
		return fmt.Sprintf("%d*", f.Mean)
	}
	return fmt.Sprint(f.Mean)
}

// All are the programs.
func All() []Program {
	return []Program{
		{"twostage", 2, twoStage(1), means(8, 13, 9, 15, 464)},
		{"twostage_20", 2, twoStage(19), means(6, 159, 101, 156, never)},
		{"twostage_50", 2, twoStage(49), means(20, 1676, 692, 1637, never)},
		{"twostage_100", 2, twoStage(99), means(454, -7466, -5726, -6674, never)},
		{"reorder_3", 2, reorder(2, 1), means(7, 185, 148, 86, unknown)},
		{"reorder_4", 2, reorder(3, 1), means(7, 554, 362, 533, unknown)},
		{"reorder_5", 2, reorder(4, 1), means(10, 647, 1094, 2169, unknown)},
		{"reorder_10", 2, reorder(9, 1), means(17, -3225, -4462, never, never)},
		{"reorder_20", 2, reorder(10, 10), means(6, 3005, -3297, never, never)},
		{"reorder_50", 2, reorder(49, 1), means(13, -3304, never, never, never)},
		{"reorder_100", 2, reorder(99, 1), means(194, never, never, never, never)},
		{"stack", 2, stack, means(5, 3, 3, 2, 176)},
		{"token_ring", 1, tokenRing, means(8, 8, 8, 9, 13)},
		{"lazy01", 1, lazy, means(2, 5, 5, 5, 21)},
		{"deadlock01", 2, deadlock, means(2, 13, 7, 4, 3)},
		{"bluetooth_driver", 2, bluetooth, means(70, 112, 83, 36, 215)},
		{"account", 1, account, means(6, 4, 4, 4, 18)},
		{"wronglock", 2, wrongLock(7), means(7, 51, 20, 10, 36)},
		{"wronglock_3", 2, wrongLock(3), means(9, 58, 14, 11, 36)},
		{"workstealqueue", 3, workSteal, means(6, 48, 16, 12, unknown)},
	}
}

// Lookup returns a program by its name.
func Lookup(name string) (Program, error) {
	for _, p := range All() {
		if p.Name == name {
			return p, nil
		}
	}
	return Program{}, fmt.Errorf("there is no program %q", name)
}

const (
	unknown = 0
	never   = -1 << 30
)

// means makes figures of numbers, which are negative if not all trials found
// the failure.
func means(ns ...int) (f [5]Figure) {
	for i, n := range ns {
		switch {
		case n == never:
			f[i] = Figure{Not: true}
		case n < 0:
			f[i] = Figure{Mean: -n, Not: true}
		default:
			f[i] = Figure{Mean: n}
		}
	}
	return f
}

// together runs functions in goroutines of their own and waits for them.
func together(fs ...func()) {
	var wg sync.WaitGroup
	wg.Add(len(fs))
	for _, f := range fs {
		go func() {
			defer wg.Done()
			f()
		}()
	}
	wg.Wait()
}

// times is n times f.
func times(n int, f func()) []func() {
	fs := make([]func(), n)
	for i := range fs {
		fs[i] = f
	}
	return fs
}
