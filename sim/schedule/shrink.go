package schedule

import (
	"encoding/binary"
	"slices"
)

// Attempt runs a candidate leniently: a choice that is out of range counts as
// 0, and so does every choice beyond the end. It returns the schedule that was
// really taken, and whether the execution failed in the same way, that is with
// the same failure signature. It must be deterministic.
type Attempt func(candidate Schedule) (taken Schedule, same bool)

// ShrinkStats says what Shrink did.
type ShrinkStats struct {
	Attempts   int  // executions used
	Successes  int  // those of them that made the schedule smaller
	Before     int  // deviations of the schedule that was given
	After      int  // deviations of the schedule that was returned
	Reproduced bool // the schedule that was given failed again when it was run first
	Exhausted  bool // the budget ended before there was nothing left to try
}

// Shrink looks for a smaller schedule, by [Schedule.Compare], that fails in the
// same way as s, with at most budget executions. The result has failed in the
// same way itself: it is a schedule that try returned, with its hash. If s
// does not fail when it is run again, s is returned and Reproduced is false.
//
// It cuts the tail, gathers short turns of goroutines into long ones, then
// removes deviations by delta debugging (Zeller and Hildebrandt, "Simplifying
// and isolating failure-inducing input", 2002), then single ones and pairs, then
// lowers what is left, moves it to the front and merges neighbours, and starts
// again with the removals until nothing helps.
// A changed choice shifts the numbers of all later decisions, so each success
// goes on from the schedule that was taken and not from the one asked for.
// Only a strictly smaller schedule is a success, so it ends for any try.
func Shrink(s Schedule, try Attempt, budget int) (best Schedule, stats ShrinkStats) {
	k := &shrinker{best: s.clone(), attempt: try, budget: budget, tried: map[string]bool{}}
	k.stats.Before = s.size().deviations
	k.shrink()
	k.stats.After = k.best.size().deviations
	return k.best, k.stats
}

// Necessary says for each deviation of s, in the order of [Schedule.Deviations],
// whether the failure vanishes when this one choice is 0. It runs one execution
// for each. Of a schedule that [Shrink] finished with, all are necessary.
func Necessary(s Schedule, try Attempt) []bool {
	deviations := s.Deviations()
	necessary := make([]bool, len(deviations))
	for i := range deviations {
		_, same := try(s.withDeviations(without(deviations, i, i+1)))
		necessary[i] = !same
	}
	return necessary
}

// pairReach is how many deviations after the first one removePairs looks.
const pairReach = 4

// shrinker is a search in progress. best has failed in the same way, unless the
// first attempt shows that it does not.
type shrinker struct {
	best    Schedule
	attempt Attempt
	budget  int
	tried   map[string]bool // candidates; trying one again cannot help
	stats   ShrinkStats
}

func (k *shrinker) shrink() {
	if k.budget <= 0 {
		k.stats.Exhausted = true
		return
	}
	k.stats.Attempts++
	taken, same := k.attempt(k.best.clone())
	if !same {
		return
	}
	k.stats.Reproduced = true
	// The schedule taken knows its hash, and lacks choices that were clamped.
	if taken.Compare(k.best) <= 0 {
		k.best = taken.clone()
	}
	k.cutTail()
	k.gather()
	k.minimise()
	for improved := true; improved && !k.stats.Exhausted; {
		successes := k.stats.Successes
		k.removeOnes()
		k.removePairs()
		k.lower()
		k.pull()
		k.merge()
		improved = k.stats.Successes > successes
	}
}

// try runs a candidate if it is smaller than the best, was not tried before and
// the budget allows it. If it fails in the same way, and what it took is
// smaller as well, that is the new best.
func (k *shrinker) try(deviations []Deviation) bool {
	candidate := k.best.withDeviations(deviations)
	if candidate.Compare(k.best) >= 0 {
		return false
	}
	key := keyOf(deviations)
	if k.tried[key] {
		return false
	}
	if k.stats.Attempts >= k.budget {
		k.stats.Exhausted = true
		return false
	}
	k.tried[key] = true
	k.stats.Attempts++
	taken, same := k.attempt(candidate)
	if !same || taken.Compare(k.best) >= 0 {
		return false
	}
	k.stats.Successes++
	k.best = taken.clone()
	return true
}

func keyOf(deviations []Deviation) string {
	key := make([]byte, 0, 4*len(deviations))
	for _, d := range deviations {
		key = binary.AppendUvarint(key, uint64(d.Index))
		key = binary.AppendUvarint(key, uint64(d.Choice))
	}
	return string(key)
}

// without returns a copy without the deviations from..to-1.
func without(deviations []Deviation, from, to int) []Deviation {
	return slices.Concat(deviations[:from], deviations[to:])
}

// cutTail looks for the shortest prefix that still fails, by bisection. Cutting
// shifts nothing that is kept.
func (k *shrinker) cutTail() {
	for low := 0; ; {
		deviations := k.best.Deviations()
		if low >= len(deviations) {
			return
		}
		if middle := low + (len(deviations)-low)/2; !k.try(deviations[:middle]) {
			low = middle + 1
		}
	}
}

// minimise is ddmin over the deviations.
func (k *shrinker) minimise() {
	for chunks := 2; !k.stats.Exhausted; {
		deviations := k.best.Deviations()
		n := len(deviations)
		if n < 2 {
			return
		}
		chunks = min(chunks, n)
		switch {
		case k.anyChunk(deviations, chunks):
			chunks = 2
		case k.anyComplement(deviations, chunks):
			chunks = max(chunks-1, 2)
		case chunks == n:
			return
		default:
			chunks *= 2
		}
	}
}

// anyChunk tries each of the chunks alone.
func (k *shrinker) anyChunk(deviations []Deviation, chunks int) bool {
	for i := range chunks {
		if k.try(deviations[bound(deviations, i, chunks):bound(deviations, i+1, chunks)]) {
			return true
		}
	}
	return false
}

// anyComplement tries all but each of the chunks. The last is left out first,
// since that shifts the least.
func (k *shrinker) anyComplement(deviations []Deviation, chunks int) bool {
	for i := chunks - 1; i >= 0; i-- {
		if k.try(without(deviations, bound(deviations, i, chunks), bound(deviations, i+1, chunks))) {
			return true
		}
	}
	return false
}

// bound is where chunk i of so many begins.
func bound(deviations []Deviation, i, chunks int) int {
	return i * len(deviations) / chunks
}

// removeOnes removes single deviations until none can go.
func (k *shrinker) removeOnes() {
	k.untilNothing(func(deviations []Deviation, i int) bool {
		return k.try(without(deviations, i, i+1))
	})
}

// removePairs removes two deviations that are at most pairReach apart, until
// none can go. Going to another goroutine and coming back only go together.
func (k *shrinker) removePairs() {
	k.untilNothing(func(deviations []Deviation, i int) bool {
		rest := without(deviations, i, i+1)
		for j := i; j < min(i+pairReach, len(rest)); j++ {
			if k.try(without(rest, j, j+1)) {
				return true
			}
		}
		return false
	})
}

// untilNothing tries something with each deviation, the last one first since
// that shifts the least, until it succeeds with none.
func (k *shrinker) untilNothing(with func(deviations []Deviation, i int) bool) {
	for improved := true; improved && !k.stats.Exhausted; {
		improved = false
		for i := range slices.Backward(k.best.Deviations()) {
			// A success can leave fewer than expected.
			if deviations := k.best.Deviations(); i < len(deviations) && with(deviations, i) {
				improved = true
			}
		}
	}
}

// lower makes the values of the choices smaller, one choice after the other
// from the last.
func (k *shrinker) lower() {
	for i := range slices.Backward(k.best.Deviations()) {
		k.lowerOne(i)
	}
}

// lowerOne tries all values if they are few. Otherwise it bisects, which finds
// the smallest one if all above it fail as well.
func (k *shrinker) lowerOne(i int) {
	const few = 8
	for low := uint32(1); ; {
		deviations := k.best.Deviations()
		if i >= len(deviations) || low >= deviations[i].Choice {
			return
		}
		high := deviations[i].Choice
		value := low
		if high > few && low > 1 {
			value += (high - low) / 2
		}
		deviations[i].Choice = value
		if !k.try(deviations) {
			low = value + 1
		}
	}
}
