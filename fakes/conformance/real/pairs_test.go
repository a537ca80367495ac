package real_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/fakes/conformance"
)

// pairRuns is how often a pair is run, with -long; the second operation is up to
// 3 ms earlier or later.
const pairRuns = 14

// quiet is how long nothing may change before a pair counts as settled.
const quiet = 100 * time.Millisecond

// TestPairs does two operations at once and records all outcomes.
func TestPairs(t *testing.T) {
	for _, release := range conformance.Releases() {
		t.Run(release, func(t *testing.T) {
			if !*long {
				t.Skip("run by make conformance")
			}
			w := open(t, release)
			begin := time.Now()
			var mu sync.Mutex
			got := conformance.Outcomes{}
			pairs := conformance.Pairs()
			var next atomic.Int64
			var workers sync.WaitGroup
			for range parallel {
				workers.Go(func() {
					for i := next.Add(1) - 1; int(i) < len(pairs)*pairRuns; i = next.Add(1) - 1 {
						p, run := pairs[int(i)%len(pairs)], int(i)/len(pairs)
						delay := time.Duration(run%7-3) * time.Millisecond
						text, err := conformance.RunPair(t.Context(), w, fmt.Sprintf("pair-%d", i), p, delay, func(look func() string) string {
							return settled(p, look)
						})
						if !assert.NoError(t, err, "%v", p) {
							continue
						}
						mu.Lock()
						got.Add(p, text)
						mu.Unlock()
					}
				})
			}
			workers.Wait()
			t.Logf("%d pairs, %d runs in %v", len(pairs), next.Load()-parallel, time.Since(begin).Round(time.Second))
			if *update {
				record(t, "pairs", release, got.String())
			}
		})
	}
}

// restless is how long a process that was killed may live.
const restless = 1500 * time.Millisecond

// settled waits until what there is stays the same, and longer if a process
// lives that may have been killed.
func settled(p conformance.Pair, look func() string) string {
	begin := time.Now()
	seen, since := look(), begin
	kills := strings.Contains(p.A+p.B, "Kill KILL")
	for time.Since(since) < quiet || kills && !strings.Contains(seen, "stopped") && time.Since(begin) < restless {
		time.Sleep(2 * time.Millisecond)
		if now := look(); now != seen {
			seen, since = now, time.Now()
		}
	}
	return seen
}

// record writes what a daemon did.
func record(t *testing.T, kind, release, text string) {
	t.Helper()
	path := filepath.Join("..", "testdata", kind+"-"+release+".tsv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}
