package nightly

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// Round is what came of a round; a line of results.jsonl.
type Round struct {
	Round      int       `json:"round"`
	Started    time.Time `json:"started"`
	Seconds    float64   `json:"seconds"`
	Breaks     []string  `json:"breaks,omitempty"` // daemon, shim
	Counts     Counts    `json:"counts"`
	Signatures []string  `json:"signatures,omitempty"` // of the findings, each as often as it was found

	// What this process takes after the round.
	HeapBytes  uint64 `json:"heapBytes"`
	Goroutines int    `json:"goroutines"`
	Files      int    `json:"files"`

	findings []Finding
}

// roundLimit is for all containers of a round, which takes a few seconds on an idle
// machine.
const roundLimit = 5 * time.Minute

// play runs a round of v on t. An error is about the machine, and what is returned
// with it is what there was before.
func play(ctx context.Context, t *target, v scenarios.Variant, p Plan) (*Round, error) {
	r := &Round{Round: p.Round, Started: time.Now().UTC(), Breaks: p.Breaks.Names(), Counts: Counts{}}
	err := r.play(ctx, t, v, p)
	for _, f := range r.findings {
		r.Counts.add(1, "findings", f.Invariant)
		r.Signatures = append(r.Signatures, f.Signature)
	}
	if err != nil {
		return r, err
	}
	r.Counts.add(1, "rounds")
	r.Seconds = time.Since(r.Started).Seconds()
	r.HeapBytes, r.Goroutines, r.Files = usage()
	return r, nil
}

// play returns an error if it is about the machine.
func (r *Round) play(ctx context.Context, t *target, v scenarios.Variant, p Plan) error {
	env, err := t.env(p.Round)
	if err != nil {
		return err
	}
	service, err := scenarios.OpenReal(ctx, env, v)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	if len(r.Breaks) == 0 {
		err = r.undisturbed(limited, service, p)
	} else {
		err = r.disturbed(limited, service, p)
	}
	if err = errors.Join(err, service.Close()); err != nil {
		if reason := environment(ctx, t, err); reason != nil {
			return reason
		}
		if len(r.findings) == 0 { // else they may well be the reason
			r.findings = append(r.findings, finding(Unsettled, err.Error(), err.Error()+"\n"))
		}
	}
	return r.look(ctx, t, p)
}

// undisturbed runs all containers at once, and no faults.
func (r *Round) undisturbed(ctx context.Context, service *scenarios.Real, p Plan) error {
	histories := make([]model.History, len(p.Workloads))
	errs := make([]error, len(p.Workloads))
	var all sync.WaitGroup
	for i, w := range p.Workloads {
		all.Go(func() { histories[i], errs[i] = service.Run(ctx, w, p.Seed+uint64(i)) })
	}
	all.Wait()
	r.judge(p, histories)
	return errors.Join(errs...)
}

// disturbed runs them under faults.
func (r *Round) disturbed(ctx context.Context, service *scenarios.Real, p Plan) error {
	b, err := service.RunBroken(ctx, p.Workloads, p.Breaks, p.Seed)
	if b != nil {
		r.Counts.broken(b)
		r.judge(p, b.Histories)
	}
	return err
}

func (r *Round) judge(p Plan, histories []model.History) {
	for i, h := range histories {
		if len(h.Events) == 0 {
			continue // there was no container
		}
		r.Counts.history(h, len(r.Breaks) > 0)
		r.findings = append(r.findings, Judge(p.Workloads[i], h)...)
	}
}

// look takes the census and judges it. What is left of containers on which something
// else was found is the consequence of that.
func (r *Round) look(ctx context.Context, t *target, p Plan) error {
	ours, rest := goneWithin, goneWithin
	if len(r.Breaks) > 0 {
		rest = forgottenWithin
	}
	if len(r.findings) > 0 {
		ours, rest = forgottenWithin, forgottenWithin
	}
	left, err := awaitGone(func() ([]Leftover, error) {
		return census(ctx, t.daemon, t.client, t.records(p.Round))
	}, t.known, ours, rest)
	if err != nil {
		return err
	}
	var wrong []Leftover
	for _, l := range left {
		t.known[l] = true
		if len(r.Breaks) > 0 && !l.ours() {
			r.Counts.add(1, "forgotten", l.Kind)
			continue
		}
		wrong = append(wrong, l)
	}
	if len(r.findings) == 0 {
		r.findings = append(r.findings, judgeLeftovers(wrong)...)
	}
	return nil
}

// exhausted are errors of a machine that has not enough of something.
var exhausted = []error{syscall.ENOSPC, syscall.EDQUOT, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.EROFS}

// environment returns err if it is for want of something or of the daemon, else nil.
// Errors that came through the daemon are text.
func environment(ctx context.Context, t *target, err error) error {
	for _, e := range exhausted {
		if errors.Is(err, e) || strings.Contains(err.Error(), e.Error()) {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	if _, gone := t.client.Version(ctx); gone != nil {
		return fmt.Errorf("containerd does not answer any more: %w, after %w", gone, err)
	}
	return nil
}

const answerLimit = 10 * time.Second
