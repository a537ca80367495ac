package strategy

// DefaultSticky is the Sticky of the strategy that Parse knows as "sticky": few
// switches find some bugs that many never find.
const DefaultSticky = 900

// RandomWalk takes each alternative of a decision with the same probability.
// With Sticky a goroutine that can go on does so, unasked, at so many per
// mille of its points.
type RandomWalk struct{ Sticky int }

// At implements Strategy.
func (s RandomWalk) At(int) Plan {
	return Plan{Name: s.String(), Kind: KindRandom, Sticky: s.Sticky}
}

// String implements Strategy.
func (s RandomWalk) String() string {
	if s.Sticky > 0 {
		return "sticky"
	}
	return "random"
}
