package sim

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/sim/internal/bench"
	"github.com/startrace/startrace/sim/strategy"
)

// rare fails in one execution of some thousands: the last goroutine that was
// started comes first, and so on.
func rare(n int) func(*T) {
	return func(t *T) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		var order []int
		for i := range n {
			wg.Go(func() {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
		}
		wg.Wait()
		for i, g := range order {
			if g != n-1-i {
				return
			}
		}
		t.Errorf("the order is %v", order)
	}
}

// summary is what must not depend on the number of workers.
func summary(r Report) string {
	text := fmt.Sprintf("%v %+v", r, r.Saturation)
	if r.Found != nil {
		text += r.Found.Text(r)
	}
	return text
}

func TestWorkersChangeNothing(t *testing.T) {
	for _, c := range []struct {
		name    string
		body    func(*T)
		found   bool
		recycle int
	}{{"rare", rare(4), true, 0}, {"never", rare(9), false, 0}, {"recycled", rare(9), false, 1000}} {
		t.Run(c.name, func(t *testing.T) {
			want := ""
			for workers := range 4 {
				r := search(t, Options{
					Name: t.Name(), Strategy: strategy.RandomWalk{}, Executions: 5000, Workers: workers,
					Config: Config{EarlyTimers: -1}, patience: 1, recycle: c.recycle,
				}, c.body)
				require.NoError(t, r.Err)
				assert.Equal(t, c.found, r.Found != nil)
				if workers > 1 {
					assert.Positive(t, r.Workers)
				} else {
					assert.Zero(t, r.Workers)
				}
				if want == "" {
					want = summary(r)
				}
				assert.Equal(t, want, summary(r), "%d workers", workers)
			}
		})
	}
}

// TestWorkerDies: the process is gone in the middle of an execution, which the
// error names.
func TestWorkerDies(t *testing.T) {
	worker := worksFor() != nil
	runs := 0
	r := search(t, Options{
		Name: t.Name(), Strategy: strategy.RandomWalk{}, Executions: 100_000, Workers: 2, SelfCheck: -1, patience: 1,
	}, func(*T) {
		if runs++; runs > 500 && worker {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		runtime.Gosched()
	})
	require.ErrorIs(t, r.Err, ErrWorker)
	assert.ErrorContains(t, r.Err, "signal: killed")
	assert.Regexp(t, `in execution \d+`, r.Err.Error())
}

// TestWorkersCleanUp: what the test made in a worker before it came to the search is
// not left behind. The workers of this one make their directories in dir.
func TestWorkersCleanUp(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	r := search(t, Options{
		Name: t.Name(), Strategy: strategy.RandomWalk{}, Executions: 20_000, Workers: 2, patience: 1, recycle: 1000,
	}, rare(9))
	require.NoError(t, r.Err)
	assert.Positive(t, r.Workers)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// BenchmarkWorkers is one search in this process, and shared by two.
func BenchmarkWorkers(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			executions, before := 0, cpu(b)
			for b.Loop() {
				r := search(b, Options{
					Name: b.Name(), Strategy: strategy.RandomWalk{}, Executions: 3_000_000, Workers: workers, patience: 1,
				}, func(*T) { bench.Lock(10) })
				if r.Err != nil {
					b.Fatal(r.Err)
				}
				executions += r.Executions
			}
			b.ReportMetric(float64(executions)/b.Elapsed().Seconds(), "exec/s")
			b.ReportMetric(float64(executions)/(cpu(b)-before).Seconds(), "exec/cpu-s")
		})
	}
}

// cpu is the processor time of this process and of those that it waited for.
func cpu(b *testing.B) (used time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		used += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return used
}
