package schedule

import "slices"

// How many deviations merge replaces by one, and how far it looks, in decisions. Shifts are small when one choice is
// dropped: the goroutine it led to passed a few points less, or more.
const (
	mergeCount = 4
	mergeShift = 4
	mergeSlide = 16
)

// merge looks for one deviation that does the work of a few neighbours (to
// another goroutine, back, and there again is often just one switch at another
// place), and for one or two that can go if the later ones are shifted to where
// the decisions they meant have moved.
func (k *shrinker) merge() {
	for i := len(k.best.Deviations()) - 1; i >= 0 && !k.stats.Exhausted; i-- {
		for count := 2; count <= mergeCount; count++ {
			k.replaceByOne(i, count)
		}
		k.dropAndShift(i, 1)
		k.dropAndShift(i, 2)
	}
}

// dropAndShift drops deviations i..i+count-1 and moves all later ones by the
// same distance.
func (k *shrinker) dropAndShift(i, count int) {
	deviations := k.best.Deviations()
	if i+count >= len(deviations) {
		return
	}
	for distance := 1; distance <= mergeShift; distance++ {
		for _, by := range [...]int{-distance, distance} {
			if shifted, ok := shift(without(deviations, i, i+count), i, by); ok && k.try(shifted) {
				return
			}
		}
	}
}

// replaceByOne replaces deviations i..i+count-1 by one of their choices, at
// some place between or around them.
func (k *shrinker) replaceByOne(i, count int) bool {
	deviations := k.best.Deviations()
	if i+count > len(deviations) {
		return false
	}
	run := deviations[i : i+count]
	first, last := run[0].Index, run[count-1].Index
	var choices []uint32
	for _, d := range run {
		choices = append(choices, d.Choice)
	}
	slices.Sort(choices)
	choices = slices.Compact(choices)

	index, end := first-mergeSlide, last+mergeSlide
	if i == 0 {
		index = max(index, 0)
	} else {
		index = max(index, deviations[i-1].Index+1)
	}
	if i+count < len(deviations) {
		end = min(end, deviations[i+count].Index)
	}
	for ; index < end; index++ {
		if index == first+mergeSlide {
			index = max(index, last-mergeSlide) // skips what is far from both ends
		}
		for _, choice := range choices {
			merged := without(deviations, i, i+count-1)
			merged[i] = Deviation{Index: index, Choice: choice}
			if k.try(merged) {
				return true
			}
		}
	}
	return false
}

// pull moves each deviation, and all later ones with it, to the front as far as
// possible, so that a failure comes early in its trace.
func (k *shrinker) pull() {
	for i := len(k.best.Deviations()) - 1; i >= 0 && !k.stats.Exhausted; i-- {
		k.pullOne(i)
	}
}

// pullOne tries the whole distance first, then halves of it.
func (k *shrinker) pullOne(i int) {
	for distance := k.room(i); distance > 0; {
		if shifted, ok := shift(k.best.Deviations(), i, -distance); ok && k.try(shifted) {
			distance = min(distance, k.room(i))
		} else {
			distance /= 2
		}
	}
}

// room is how many decisions deviation i can move to the front.
func (k *shrinker) room(i int) int {
	deviations := k.best.Deviations()
	switch {
	case i >= len(deviations):
		return 0
	case i == 0:
		return deviations[0].Index
	default:
		return deviations[i].Index - deviations[i-1].Index - 1
	}
}

// shift returns a copy with the deviations from i on moved by so many decisions,
// unless that would go past the one before.
func shift(deviations []Deviation, i, by int) ([]Deviation, bool) {
	shifted := slices.Clone(deviations)
	least := 0
	if i > 0 {
		least = shifted[i-1].Index + 1
	}
	if i >= len(shifted) || shifted[i].Index+by < least {
		return nil, false
	}
	for j := i; j < len(shifted); j++ {
		shifted[j].Index += by
	}
	return shifted, true
}
