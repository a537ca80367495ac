package strategy

// Feedback changes a few choices of executions whose happens-before relation
// was new, and takes turns between that and POS. It is greybox fuzzing with
// schedules in the place of inputs, as in Wolff, Shi, Duck, Mathur, Roychoudhury:
// Greybox fuzzing for concurrency testing, ASPLOS 2024, though what it mutates
// are choice lists and not constraints on who reads from whom. Its executions
// depend on those before; package sim plans them, and At is the plan of those
// that change nothing.
type Feedback struct{}

// At implements Strategy.
func (Feedback) At(int) Plan { return Plan{Name: "feedback", Kind: KindPOS} }

// String implements Strategy.
func (Feedback) String() string { return "feedback" }
