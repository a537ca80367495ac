package programs_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/internal/programs"
	"github.com/startrace/startrace/sim/strategy"
)

func TestMain(m *testing.M) { sim.Main(m) }

const (
	trials = 20
	factor = 3   // how much worse than published a strategy may be
	most   = 200 // larger figures are left to make bench-strategies
)

// worse are the strategies that are worse than factor, and why.
var worse = map[string]string{
	"twostage_20/surw":   oneOfMany,
	"twostage_50/surw":   oneOfMany,
	"reorder_50/surw":    oneOfMany,
	"twostage_20/pct:3":  mainHasPriority,
	"twostage_20/pct:10": mainHasPriority,
}

const (
	oneOfMany = "one of n goroutines has to be the first at the selected object, which a uniform order makes one in n: " +
		"no mean below n can be expected, and the published ones are"
	mainHasPriority = "starting a goroutine is a scheduling point: unless the first goroutine has one of the highest of n priorities, " +
		"the writers are done before the reader is there"
)

func TestAsPublished(t *testing.T) {
	for _, p := range programs.All() {
		t.Run(p.Name, func(t *testing.T) {
			for i, figure := range p.Published {
				if figure.Mean == 0 || figure.Not || figure.Mean > most {
					continue
				}
				s, err := strategy.Parse(programs.Columns[i])
				require.NoError(t, err)
				o, err := programs.Measure(p, s, trials, max(10*figure.Mean, 300))
				require.NoError(t, err)
				t.Logf("%s: %v, published %v", s, o, figure)
				asGood := o.Found == trials && o.Mean <= float64(factor*figure.Mean)
				assert.Equal(t, worse[p.Name+"/"+s.String()] == "", asGood, "%s: %v, published %v", s, o, figure)
			}
		})
	}
}

// TestDefaultScheduleIsFine: all failures are races.
func TestDefaultScheduleIsFine(t *testing.T) {
	for _, p := range programs.All() {
		if p.Depth == 1 {
			continue // the order in which goroutines start is enough
		}
		r := sim.Run(sim.Config{}, func(t *sim.T) { p.Run(func(text string) { t.Error(text) }) })
		assert.Nil(t, r.Failure, p.Name)
	}
}

// TestDepth: PCT finds a failure with as many priority changes as its depth
// says, and does not with fewer.
func TestDepth(t *testing.T) {
	for _, p := range programs.All() {
		if p.Depth > 1 {
			o, err := programs.Measure(p, strategy.PCT{Depth: p.Depth - 1}, 1, 500)
			require.NoError(t, err)
			assert.Zero(t, o.Found, "%s, fewer", p.Name)
		}
		if pct := p.Published[1]; pct.Mean > 0 && pct.Mean < 1000 && worse[p.Name+"/pct:3"] == "" {
			o, err := programs.Measure(p, strategy.PCT{Depth: p.Depth}, 1, 5000)
			require.NoError(t, err)
			assert.Equal(t, 1, o.Found, p.Name)
		}
	}
}

// TestFeedback: it is as good as what it builds on, within the factor, where
// that takes few executions.
func TestFeedback(t *testing.T) {
	for _, p := range programs.All() {
		pos := p.Published[3]
		if pos.Not || pos.Mean > most {
			continue
		}
		o, err := programs.Measure(p, strategy.Feedback{}, trials, 1000)
		require.NoError(t, err)
		t.Logf("%s: %v, published for pos %v", p.Name, o, pos)
		assert.Equal(t, trials, o.Found, p.Name)
		assert.LessOrEqual(t, o.Mean, float64(factor*pos.Mean), p.Name)
	}
}

// TestAuto: what begins as an attempt to exhaust finds what a portfolio finds,
// and takes at most about twice as long.
func TestAuto(t *testing.T) {
	for _, p := range programs.All() {
		portfolio, err := programs.Measure(p, strategy.Portfolio{}, trials, 500)
		require.NoError(t, err)
		if portfolio.Found < trials {
			continue
		}
		auto, err := programs.Measure(p, strategy.Auto{}, trials, 1000)
		require.NoError(t, err)
		t.Logf("%s: %v, portfolio %v", p.Name, auto, portfolio)
		assert.Equal(t, trials, auto.Found, p.Name)
		assert.LessOrEqual(t, auto.Mean, 2*portfolio.Mean+5, p.Name)
	}
}
