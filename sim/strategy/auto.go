package strategy

// Auto exhausts what is small and takes a Portfolio for the rest: it begins
// with DPOR, for at most a quarter of the budget, if executions have few
// decisions. What DPOR has exhausted without a bound gets only a quarter of the
// budget more, for what DPOR takes for equal and is not: the order of memory
// accesses without synchronisation. Package sim does this; At is the plan of
// the portfolio.
type Auto struct{}

// At implements Strategy.
func (Auto) At(i int) Plan { return Portfolio{}.At(i) }

// String implements Strategy.
func (Auto) String() string { return "auto" }
