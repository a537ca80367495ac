// Package strategy says how the choices of an execution are made. The choices
// themselves are made inside of the controlled runtime; a [Plan] tells it how.
//
// A [Strategy] plans a whole exploration: execution i of it gets At(i). Plans
// are pure values, and equal seeds make equal choices.
package strategy

import (
	"fmt"
	"strconv"
	"strings"
)

// Strategy plans the executions of an exploration.
type Strategy interface {
	At(i int) Plan  // the plan of execution i, counted from 0
	String() string // what Parse understands
}

// Kind is a way to make choices that the controlled runtime knows.
type Kind uint8

// The kinds.
const (
	KindDefault Kind = iota // always the first alternative
	KindRandom
	KindPCT
	KindPOS
	KindURW
	KindSURW
)

// Plan says how the choices of one execution are made.
type Plan struct {
	Name   string
	Kind   Kind
	Sticky int      // random walk: per mille of the points that go on without a draw
	Depth  int      // PCT: number of priority changes
	Replay []uint32 // choices to make before Kind is asked
}

// Parse reads a strategy as it is written in flags: "auto", "portfolio", "feedback", "random",
// "sticky", "pct", "pct:3", "pos", "urw", "surw", "dfs", "icb", "icb:2", "delay", "delay:3", "dpor" or
// "default".
func Parse(text string) (Strategy, error) {
	name, arg, hasArg := strings.Cut(text, ":")
	switch {
	case name == "pct" && hasArg:
		d, err := strconv.Atoi(arg)
		if err != nil || d < 1 || d > MaxDepth {
			return nil, fmt.Errorf("strategy %q: the depth must be a number from 1 to %d", text, MaxDepth)
		}
		return PCT{Depth: d}, nil
	case hasArg && (name == "icb" || name == "delay"):
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("strategy %q: the bound must be a positive number", text)
		}
		if name == "icb" {
			return ICB{Bound: n}, nil
		}
		return Delay{Bound: n}, nil
	case hasArg:
	case name == "auto":
		return Auto{}, nil
	case name == "feedback":
		return Feedback{}, nil
	case name == "portfolio":
		return Portfolio{}, nil
	case name == "random":
		return RandomWalk{}, nil
	case name == "sticky":
		return RandomWalk{Sticky: DefaultSticky}, nil
	case name == "pct":
		return PCT{}, nil
	case name == "pos":
		return POS{}, nil
	case name == "urw":
		return URW{}, nil
	case name == "surw":
		return SURW{}, nil
	case name == "dfs":
		return DFS{}, nil
	case name == "icb":
		return ICB{}, nil
	case name == "delay":
		return Delay{}, nil
	case name == "dpor":
		return DPOR{}, nil
	case name == "default":
		return Replay{}, nil
	}
	return nil, fmt.Errorf("unknown strategy %q: use auto, portfolio, feedback, random, sticky, pct, pct:DEPTH, pos, urw, surw, dfs, icb, icb:BOUND, delay, delay:BOUND, dpor or default", text)
}
