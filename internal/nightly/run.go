package nightly

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/results"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
)

// Options of [Run].
type Options struct {
	Variant scenarios.Variant
	Daemon  daemon.Options // which containerd
	Target  string         // what the result says that was run; equal in all shards

	Duration   time.Duration // no round begins when it is over; 0: no limit
	Rounds     int           // rounds 1 to Rounds of all shards together; 0: no limit
	Only       int           // this round again and again, Rounds times; 0: all
	Concurrent int           // containers of a round, at once
	Seed       uint64
	Breaks     scenarios.Breaks // the faults that may be drawn
	Shard      sim.Shard

	Artifacts string // directory, made if need be
	Command   string // what the result says of how it came about
	// Reproduce returns the command that runs a round again.
	Reproduce func(round int) string

	// Interrupt is closed to end after the current round; nil: nobody does.
	Interrupt <-chan struct{}
	// Began is told of the version of containerd before the first round, and
	// Progress of all counts after each round. They are not called concurrently,
	// and must not keep or change the counts; nil: nobody is told.
	Began    func(version string)
	Progress func(r *Round, total Counts, elapsed time.Duration)
}

// Run runs rounds until it is time to end, and writes the artifacts. The result is
// there in any case. The error says what is missing in the environment, whatever the
// verdict. When Run returns nothing is left of what it started, unless the error
// says so. It must not run twice at once with the same artifacts.
func Run(ctx context.Context, opts Options) (*results.Result, error) {
	s := &session{opts: opts, total: Counts{}, began: time.Now(), failures: map[string]*results.Failure{}}
	s.result = &results.Result{
		Kind: results.Soak, Target: opts.Target, Seed: opts.Seed, Command: opts.Command, Started: s.began.UTC(),
	}
	if opts.Shard.Of > 0 {
		s.result.Shard = opts.Shard.String()
	}
	err := s.run(ctx)
	s.finish(err)
	if s.artifacts == nil {
		return s.result, err
	}
	return s.result, errors.Join(err, s.artifacts.finish(s.result))
}

// session is a Run that is going on.
type session struct {
	opts      Options
	artifacts *artifacts
	began     time.Time
	total     Counts
	result    *results.Result
	failures  map[string]*results.Failure // by signature

	// What this process took after each round, by seconds.
	at, heap, goroutines, files []float64
}

func (s *session) run(ctx context.Context) (err error) {
	if s.artifacts, err = newArtifacts(s.opts.Artifacts); err != nil {
		return err
	}
	t, err := openTarget(ctx, s.opts.Daemon)
	if err != nil {
		return err
	}
	if s.opts.Began != nil {
		s.opts.Began(t.version)
	}
	err = s.rounds(ctx, t)
	left := t.close(ctx)
	if errors.Is(left, errLeft) {
		return errors.Join(err, s.found(t.version, 0, finding(nothingLeft, errLeft.Error(), left.Error()+"\n")))
	}
	return errors.Join(err, left)
}

func (s *session) rounds(ctx context.Context, t *target) error {
	for k := 0; ; k++ {
		round := number(k, s.opts.Shard.Index, s.opts.Shard.Of)
		if s.opts.Only > 0 {
			round = s.opts.Only
		}
		if s.over(k, round) {
			return nil
		}
		r, err := play(ctx, t, s.opts.Variant, Draw(s.opts.Seed, round, s.opts.Concurrent, s.opts.Breaks))
		if err := s.record(t.version, r); err != nil {
			return err
		}
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if s.opts.Progress != nil {
			s.opts.Progress(r, s.total, time.Since(s.began))
		}
		if err := t.renew(ctx, len(r.findings) > 0); err != nil {
			return err
		}
	}
}

// over reports whether the k-th round, which has that number, is not to begin.
func (s *session) over(k, round int) bool {
	last := round
	if s.opts.Only > 0 {
		last = k + 1
	}
	return s.interrupted() || s.opts.Rounds > 0 && last > s.opts.Rounds || s.opts.Duration > 0 && time.Since(s.began) >= s.opts.Duration
}

func (s *session) interrupted() bool {
	select {
	case <-s.opts.Interrupt:
		return true
	default:
		return false
	}
}

// record adds what came of a round.
func (s *session) record(version string, r *Round) error {
	s.total.Add(r.Counts)
	if r.Goroutines > 0 {
		s.at = append(s.at, time.Since(s.began).Seconds())
		s.heap = append(s.heap, float64(r.HeapBytes))
		s.goroutines = append(s.goroutines, float64(r.Goroutines))
		s.files = append(s.files, float64(r.Files))
	}
	for _, f := range r.findings {
		if err := s.found(version, r.Round, f); err != nil {
			return err
		}
	}
	return s.artifacts.round(r)
}

// found counts a finding of a round, and writes about it if it is the first of its
// signature. Round 0 is the end.
func (s *session) found(version string, round int, f Finding) error {
	if known := s.failures[f.Signature]; known != nil {
		known.Count++
		return nil
	}
	known := &results.Failure{
		Signature: f.Signature, Invariant: f.Invariant, Title: f.Title, Count: 1, Reproduce: s.opts.Reproduce(round),
	}
	s.failures[f.Signature] = known
	files, err := s.artifacts.failure(known, f, environmentText(s.result, version, round))
	known.Files = files
	return err
}

const perHour = 3600

// finish completes the result.
func (s *session) finish(err error) {
	r := s.result
	r.Ended = time.Now().UTC()
	r.Counts = s.total
	r.Counts["calls"] = s.total.Sum("calls")
	seconds := time.Since(s.began).Seconds()
	r.Figures = map[string]float64{
		"lifecyclesPerSecond": float64(s.total.Sum("lifecycles")) / seconds,
		"callsPerSecond":      float64(r.Counts["calls"]) / seconds,
	}
	// The first rounds fill caches.
	if skip := len(s.at) / 4; len(s.at) > 1 {
		at := s.at[skip:]
		r.Figures["heapBytesPerHour"] = slope(at, s.heap[skip:]) * perHour
		r.Figures["goroutinesPerHour"] = slope(at, s.goroutines[skip:]) * perHour
		r.Figures["filesPerHour"] = slope(at, s.files[skip:]) * perHour
	}
	for _, f := range s.failures {
		r.Failures = append(r.Failures, *f)
	}
	slices.SortFunc(r.Failures, func(a, b results.Failure) int { return strings.Compare(a.Signature, b.Signature) })
	switch {
	case len(r.Failures) > 0:
		r.Verdict = results.Violated
	case err != nil:
		r.Verdict = results.Environment
	case s.interrupted(), s.total.Sum("lifecycles") == 0:
		r.Verdict = results.Inconclusive
	default:
		r.Verdict = results.Clean
	}
}
