package strategy

// Portfolio takes turns among the others, since none finds every bug: the
// random walk, the sticky one, and PCT with all depths.
type Portfolio struct{}

// At implements Strategy.
func (Portfolio) At(i int) Plan {
	switch i % 4 {
	case 0:
		return RandomWalk{}.At(i)
	case 1:
		return RandomWalk{Sticky: DefaultSticky}.At(i)
	}
	return PCT{}.At(i / 2)
}

// String implements Strategy.
func (Portfolio) String() string { return "portfolio" }
