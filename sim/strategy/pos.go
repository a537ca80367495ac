package strategy

// POS gives each announced operation a random priority, runs the goroutine
// whose operation has the highest, and draws again for those that race with it
// (Yuan, Yang, Gu: Partial order aware concurrency sampling, CAV 2018). It needs
// neither parameters nor a profile.
type POS struct{}

// At implements Strategy.
func (s POS) At(int) Plan { return Plan{Name: s.String(), Kind: KindPOS} }

// String implements Strategy.
func (POS) String() string { return "pos" }
