package systematic

// fingerprint is what equivalent executions have in common: of each event what it
// is and what came before it, in any order of events that do not depend on each
// other.
func (m *marks) fingerprint() uint64 {
	var sum uint64
	for _, of := range m.after {
		for _, mark := range of {
			sum += mark
		}
	}
	return sum
}

// Inequivalent implements Searcher.
func (d *dpor) Inequivalent() int { return len(d.seen) }
