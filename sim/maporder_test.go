package sim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
)

// fill makes a map with n keys and iterates over it.
func fill[K comparable](n int, key func(i int) K) func() {
	return func() {
		m := map[K]int{}
		for i := range n {
			m[key(i)] = i
		}
		for range m {
		}
	}
}

type pair struct {
	_ *int
	a any
}

func TestMapOrderOfAddresses(t *testing.T) {
	pointer := func(int) *int { return new(int) }
	for name, c := range map[string]struct {
		iterate func()
		reports bool
	}{
		"pointers":              {fill(9, pointer), true},
		"channels":              {fill(9, func(int) chan int { return make(chan int) }), true},
		"array of pointers":     {fill(9, func(int) [1]*int { return [1]*int{new(int)} }), true},
		"pointer in any":        {fill(9, func(int) any { return new(int) }), true},
		"pointer in interface":  {fill(9, func(i int) error { return fmt.Errorf("%d", i) }), true},
		"one pointer of many":   {fill(9, func(i int) any { return map[bool]any{true: new(int), false: i}[i == 4] }), true},
		"struct with interface": {fill(9, func(int) pair { return pair{a: new(int)} }), true},
		"few pointers":          {fill(8, pointer), false},
		"integers":              {fill(100, func(i int) int { return i }), false},
		"strings":               {fill(100, func(i int) string { return strings.Repeat("x", i) }), false},
		"string in any":         {fill(100, func(i int) any { return fmt.Sprint(i) }), false},
		"integers in struct":    {fill(100, func(i int) pair { return pair{a: i} }), false},
		"nil in interface":      {fill(9, func(int) error { return nil }), false},
	} {
		t.Run(name, func(t *testing.T) {
			res := sim.Run(sim.Config{}, func(*sim.T) { c.iterate() })
			require.Nil(t, res.Failure)
			if !c.reports {
				assert.Zero(t, res.MapOrders)
				assert.Empty(t, res.MapOrder)
				return
			}
			assert.Equal(t, 1, res.MapOrders)
			assert.Regexp(t, `^main at maporder_test.go:\d+$`, res.MapOrder)
		})
	}
	fill(9, pointer)() // outside of an execution nobody counts
}

// Nondeterminism that such a map makes is reported with the map.
func TestMapOrderIsNamed(t *testing.T) {
	body := func(keep *[]*int) func(*sim.T) {
		return func(*sim.T) {
			m := map[*int]int{}
			for i := range 40 {
				p := new(int)
				*keep = append(*keep, p) // nobody else gets the address
				m[p] = i
			}
			for _, i := range m {
				for range i % 3 {
					sim.Point("step", nil)
				}
				if i == 7 {
					break
				}
			}
		}
	}
	var keep []*int
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 300, SelfCheck: 1}, body(&keep))
	require.Error(t, r.Err)
	require.ErrorIs(t, r.Err, sim.ErrNondeterministic)
	assert.Regexp(t, `maps were iterated in the order of addresses, the first by main at maporder_test.go:\d+`, r.Err.Error())
	assert.Regexp(t, `in the order of addresses, the first by main at maporder_test.go:\d+`, r.String())
}
