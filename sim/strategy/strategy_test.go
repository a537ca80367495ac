package strategy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, s := range []Strategy{
		Auto{},
		Feedback{},
		Portfolio{},
		RandomWalk{},
		RandomWalk{Sticky: DefaultSticky},
		PCT{},
		PCT{Depth: 3},
		Replay{},
		DFS{},
		ICB{},
		ICB{Bound: 2},
		Delay{},
		Delay{Bound: 3},
		DPOR{},
		POS{},
		URW{},
		SURW{},
	} {
		got, err := Parse(s.String())
		require.NoError(t, err)
		assert.Equal(t, s, got)
		assert.NotEmpty(t, s.At(0).Name)
	}
	for text, want := range map[string]string{
		"":         "unknown strategy",
		"PCT":      "unknown strategy",
		"random:3": "unknown strategy",
		"pct:":     "the depth must be a number from 1 to 17",
		"pct:0":    "the depth must be",
		"pct:18":   "the depth must be",
		"icb:0":    "the bound must be a positive number",
		"delay:x":  "the bound must be a positive number",
		"dpor:1":   "unknown strategy",
	} {
		_, err := Parse(text)
		assert.ErrorContains(t, err, want, text)
	}
}

func TestPCTCyclesDepths(t *testing.T) {
	seen := map[int]int{}
	for i := range 50 {
		p := PCT{}.At(i)
		assert.Equal(t, KindPCT, p.Kind)
		seen[p.Depth+1]++
	}
	assert.Equal(t, map[int]int{1: 10, 2: 10, 3: 10, 4: 10, 5: 10}, seen)
}

func TestPortfolioTakesTurns(t *testing.T) {
	kinds := map[Kind]int{}
	depths := map[int]bool{}
	sticky := 0
	for i := range 40 {
		p := Portfolio{}.At(i)
		kinds[p.Kind]++
		if p.Sticky > 0 {
			sticky++
		}
		if p.Kind == KindPCT {
			depths[p.Depth+1] = true
		}
	}
	assert.Equal(t, map[Kind]int{KindRandom: 10, KindPCT: 15, KindPOS: 10, KindSURW: 5}, kinds)
	assert.Equal(t, 5, sticky)
	assert.Len(t, depths, 5)
}
