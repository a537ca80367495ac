package strategy

// URW makes every interleaving of the operations on objects equally likely, as
// far as an execution that is watched beforehand tells how many operations each
// goroutine has, and blocking leaves a choice (uniform random walk; Zhao, Wolff,
// Mathur, Roychoudhury: Selectively uniform concurrency testing, ASPLOS 2025).
// Additions to a WaitGroup, which commute, and selects are not among them.
type URW struct{}

// At implements Strategy.
func (s URW) At(int) Plan { return Plan{Name: s.String(), Kind: KindURW} }

// String implements Strategy.
func (URW) String() string { return "urw" }

// SURW does the same for the operations on a few objects, drawn for each
// execution among those that several goroutines touch and one writes; all other
// operations come in random order (selectively uniform random walk, same paper).
type SURW struct{}

// At implements Strategy.
func (s SURW) At(int) Plan { return Plan{Name: s.String(), Kind: KindSURW} }

// String implements Strategy.
func (SURW) String() string { return "surw" }
