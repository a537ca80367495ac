package sim_test

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/strategy"
)

// interrupted runs a search that is interrupted in its n-th execution, and goes
// on from a file until it ends by itself.
func interrupted(t *testing.T, opts sim.Options, n int, body func(*sim.T)) (r sim.Report, interrupts int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "checkpoint")
	opts.Checkpoint = &sim.Checkpoint{}
	for {
		stop, ran := make(chan struct{}), 0
		opts.Interrupt = stop
		r = sim.Search(opts, func(t *sim.T) {
			if ran++; ran == n {
				sim.Quietly(func() { close(stop) })
			}
			body(t)
		})
		r.Elapsed = 0
		if !r.Interrupted {
			return r, interrupts
		}
		require.NoError(t, r.Err)
		interrupts++
		require.Less(t, interrupts, 200, "%v does not get on: %v", opts.Strategy, r)
		if _, auto := opts.Strategy.(strategy.Auto); auto || opts.Strategy == nil {
			n += n / 2 // what exhausts small bodies begins again
		}
		require.NoError(t, opts.Checkpoint.Write(file))
		var err error
		opts.Checkpoint, err = sim.ReadCheckpoint(file)
		require.NoError(t, err)
	}
}

func TestResumedSearchIsTheSame(t *testing.T) {
	for _, c := range []struct {
		opts sim.Options
		body func(*sim.T)
		n    int
	}{
		{sim.Options{Strategy: strategy.Portfolio{}, Executions: 500}, sections(4, 3), 100},
		{sim.Options{Strategy: strategy.Portfolio{}, Executions: 500, Shard: sim.Shard{Index: 1, Of: 3}}, sections(4, 3), 110},
		{sim.Options{Strategy: strategy.RandomWalk{}, Seed: 5}, lostUpdate, 15},
		{sim.Options{Strategy: strategy.DFS{}, Executions: 5000}, sections(3, 1), 30},
		{sim.Options{Strategy: strategy.ICB{}, Executions: 5000}, sections(3, 1), 30},
		{sim.Options{Strategy: strategy.Delay{Bound: 2}, Executions: 5000}, sections(3, 1), 30},
		{sim.Options{Strategy: strategy.DPOR{}, Executions: 5000}, sections(3, 2), 40},
		{sim.Options{Strategy: strategy.DPOR{}, Executions: 5000}, lockAndTry, 40},
		{sim.Options{Executions: 600}, sections(5, 5), 100},
		{sim.Options{Executions: 600}, sections(2, 4), 180},
	} {
		opts := c.opts
		opts.Name = t.Name()
		want := sim.Search(opts, c.body)
		want.Elapsed = 0
		got, interrupts := interrupted(t, opts, c.n, c.body)
		assert.Equal(t, want.String(), got.String())
		if want.Found != nil {
			want.Found.ShrinkTime, got.Found.ShrinkTime = 0, 0
		}
		assert.Equal(t, want, got)
		if want.Found == nil {
			assert.Positive(t, interrupts)
		}
	}
}

// lockAndTry makes a systematic search begin again, as soon as somebody tries a
// lock, and draws a value.
func lockAndTry(*sim.T) {
	var mu sync.Mutex
	var n atomic.Int64
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			n.Add(int64(sim.Choose("n", 2)))
			if mu.TryLock() {
				n.Add(1)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestCheckpointOfSomethingElse(t *testing.T) {
	opts := sim.Options{Name: t.Name(), Strategy: strategy.RandomWalk{}, Executions: 50, Checkpoint: &sim.Checkpoint{}}
	require.NoError(t, sim.Search(opts, sections(2, 2)).Err)
	require.True(t, opts.Checkpoint.Has(t.Name()))
	assert.False(t, opts.Checkpoint.Has("another"))

	assert.NoError(t, sim.Search(opts, sections(2, 2)).Err)
	r := sim.Search(opts, sections(2, 3))
	assert.ErrorIs(t, r.Err, sim.ErrCheckpoint)
	assert.ErrorContains(t, r.Err, "another program")
	opts.Seed = 7
	r = sim.Search(opts, sections(2, 2))
	assert.ErrorIs(t, r.Err, sim.ErrCheckpoint)
	assert.ErrorContains(t, r.Err, "other options: seed 1")
}

func TestDamagedCheckpoint(t *testing.T) {
	opts := sim.Options{Name: t.Name(), Strategy: strategy.RandomWalk{}, Executions: 50, Checkpoint: &sim.Checkpoint{}}
	require.NoError(t, sim.Search(opts, sections(2, 2)).Err)
	file := filepath.Join(t.TempDir(), "checkpoint")
	require.NoError(t, opts.Checkpoint.Write(file))
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	for name, damaged := range map[string][]byte{
		"short":   data[:len(data)-3],
		"changed": append(append(append([]byte(nil), data[:60]...), data[60]^1), data[61:]...),
		"version": append([]byte("startrace checkpoint 2\n"), data[23:]...),
		"empty":   nil,
	} {
		require.NoError(t, os.WriteFile(file, damaged, 0o600))
		_, err := sim.ReadCheckpoint(file)
		assert.ErrorIs(t, err, sim.ErrCheckpoint, name)
	}
	_, err = sim.ReadCheckpoint(filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// The parts of a search are the whole, whatever their number.
func TestShards(t *testing.T) {
	opts := sim.Options{Name: t.Name(), Strategy: strategy.Portfolio{}, Executions: 400, SelfCheck: -1}
	whole := sim.Search(opts, sections(3, 3))
	for _, n := range []int{2, 3} {
		points, executions, decisions := 0, 0, 0
		for i := range n {
			opts.Shard = sim.Shard{Index: i, Of: n}
			r := sim.Search(opts, sections(3, 3))
			require.NoError(t, r.Err)
			points, executions, decisions = points+r.Points, executions+r.Executions, decisions+r.Decisions
		}
		assert.Equal(t, whole.Executions, executions)
		assert.Equal(t, whole.Points, points)
		assert.Equal(t, whole.Decisions, decisions)
	}

	opts.Strategy = strategy.DPOR{}
	assert.ErrorIs(t, sim.Search(opts, sections(2, 1)).Err, sim.ErrNoShards)

	s, err := sim.ParseShard("2/3")
	require.NoError(t, err)
	assert.Equal(t, sim.Shard{Index: 1, Of: 3}, s)
	for _, bad := range []string{"", "3", "0/2", "3/2", "1/2x", "a/b"} {
		_, err := sim.ParseShard(bad)
		assert.ErrorContains(t, err, "it must be I/N", bad)
	}
}

// The shards have the very executions of the whole. The first ones, which all shards
// measure, count once.
func TestShardsAreTheExecutions(t *testing.T) {
	counted := 0
	run := func(s sim.Shard) (orders []string) {
		r := sim.Search(sim.Options{Name: t.Name(), Strategy: strategy.Portfolio{}, Executions: 200, SelfCheck: -1, Shard: s}, func(*sim.T) {
			var order []byte
			var mu sync.Mutex
			var done sync.WaitGroup
			for i := range 4 {
				done.Go(func() {
					for range 2 {
						mu.Lock()
						order = append(order, byte('a'+i))
						mu.Unlock()
					}
				})
			}
			done.Wait()
			orders = append(orders, string(order))
		})
		require.NoError(t, r.Err)
		counted += r.Executions
		return orders
	}
	whole := run(sim.Shard{})
	require.Equal(t, 200, counted)
	counted = 0
	var parts []string
	for i := range 3 {
		parts = append(parts, run(sim.Shard{Index: i, Of: 3})...)
	}
	assert.Equal(t, 200, counted)
	slices.Sort(whole)
	slices.Sort(parts)
	whole = slices.Compact(whole)
	assert.Equal(t, whole, slices.Compact(parts))
	assert.Greater(t, len(whole), 50, "they differ from each other")
}
