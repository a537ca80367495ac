package strategy

import "fmt"

// MaxDepth is the largest depth of PCT.
const MaxDepth = 17

// PCT runs the goroutine with the highest of random priorities and changes
// priorities at Depth-1 random points; it finds a bug of that depth with
// probability at least 1/(n·k^(depth-1)) for n goroutines and k points
// (Burckhardt et al.: A randomized scheduler with probabilistic guarantees of
// finding bugs, ASPLOS 2010). Depth 0 cycles through 1 to 5.
type PCT struct{ Depth int }

// At implements Strategy.
func (s PCT) At(i int) Plan {
	d := s.Depth
	if d == 0 {
		d = 1 + i%5
	}
	return Plan{Name: fmt.Sprintf("pct:%d", d), Kind: KindPCT, Depth: d - 1}
}

// String implements Strategy.
func (s PCT) String() string {
	if s.Depth == 0 {
		return "pct"
	}
	return fmt.Sprintf("pct:%d", s.Depth)
}
