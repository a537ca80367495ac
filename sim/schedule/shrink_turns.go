package schedule

// gather makes long turns of short ones: where two goroutines take turns, A B A
// B becomes AABB, or BBAA, with all that each of them did in that time.
// What comes after such a window is met at the same decisions as before, so it
// can stay, which makes this the pass that works on the schedule of a random
// walk, where removing a deviation changes the meaning of all the others. It
// guesses from the deviations alone who ran; a wrong guess costs an execution.
//
// Windows are first large, then small, down to three turns.
func (k *shrinker) gather() {
	for count := len(k.best.Deviations()); count >= 2 && !k.stats.Exhausted; count = min(count-1, count*2/3) {
		for i := len(k.best.Deviations()) - count; i >= 0 && !k.stats.Exhausted; i -= max(count/2, 1) {
			for _, first := range [...]bool{true, false} {
				if deviations, ok := gathered(k.best.Deviations(), i, count, first); ok && k.try(deviations) {
					break
				}
			}
		}
	}
}

// gathered replaces the window i..i+count-1, in which B and A take turns. If
// waitingFirst is false, A, which runs before the window, goes on first.
func gathered(deviations []Deviation, i, count int, waitingFirst bool) ([]Deviation, bool) {
	end := i + count // the deviation after the window
	if end >= len(deviations) {
		return nil, false
	}
	var turns [2]int // decisions of B, of A
	for j := i; j < end; j++ {
		turns[(j-i)%2] += deviations[j+1].Index - deviations[j].Index
	}
	result := append([]Deviation{}, deviations[:i]...)
	start, first := deviations[i], deviations[i]
	if waitingFirst {
		back := deviations[i+1]
		back.Index = start.Index + turns[0]
		result = append(result, first, back)
	} else {
		first.Index = start.Index + turns[1]
		result = append(result, first)
	}
	// Who runs at the end is who ran last in the window, or the other one; then
	// the deviation there has nothing left to do.
	lastIsA, nowIsA := count%2 == 0, waitingFirst
	if lastIsA != nowIsA {
		end++
	}
	return append(result, deviations[end:]...), true
}
