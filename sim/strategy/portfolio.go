package strategy

// Portfolio takes turns among the others, since none finds every bug: the
// random walk, the sticky one, PCT with all depths, POS and SURW.
type Portfolio struct{}

// At implements Strategy.
func (Portfolio) At(i int) Plan {
	switch i % 8 {
	case 0:
		return RandomWalk{}.At(i)
	case 1:
		return RandomWalk{Sticky: DefaultSticky}.At(i)
	case 4, 6:
		return POS{}.At(i)
	case 5:
		return SURW{}.At(i)
	}
	return PCT{}.At((i + 1) / 3) // depth 2 comes first, since most bugs have that
}

// String implements Strategy.
func (Portfolio) String() string { return "portfolio" }
