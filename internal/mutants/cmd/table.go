package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/startrace/startrace/internal/mutants"
)

// result is what the search for a mutant came to.
type result struct {
	mutant mutants.Mutant
	mutants.Result
	Seconds float64
}

// table prints results in the order of the mutants, each as soon as it is known.
type table struct {
	to    io.Writer
	json  bool
	width int
}

func newTable(to io.Writer, asJSON bool) *table {
	t := &table{to: to, json: asJSON}
	for _, m := range mutants.All() {
		t.width = max(t.width, len(m.Name))
	}
	return t
}

// searchAll searches all mutants, some at a time.
func (t *table) searchAll(ctx context.Context, s *mutants.Scratch, all []mutants.Mutant, r mutants.Request, workers int) ([]result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make([]result, len(all))
	known := make([]chan struct{}, len(all))
	next := make(chan int)
	var searches sync.WaitGroup
	for i := range known {
		known[i] = make(chan struct{})
	}
	for range workers {
		searches.Go(func() {
			for i := range next {
				r := r
				r.Mutant = all[i].Name
				begin := time.Now()
				found, err := s.Search(ctx, r)
				if err != nil {
					cancel(err)
					return
				}
				results[i] = result{all[i], found, time.Since(begin).Seconds()}
				close(known[i])
			}
		})
	}
	searches.Go(func() {
		defer close(next)
		for i := range all {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	})
	defer searches.Wait()
	t.head()
	for i := range all {
		select {
		case <-known[i]:
			t.row(results[i])
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return results, nil
}

func (t *table) head() {
	if !t.json {
		fmt.Fprintf(t.to, "%-*s  %-9s  %10s  %7s  %s\n", t.width, "MUTANT", "KILLED BY", "EXECUTIONS", "TIME", "WORKLOAD")
	}
}

func (t *table) row(r result) {
	if t.json {
		line, _ := json.Marshal(r) // there is nothing in it that cannot be encoded
		fmt.Fprintf(t.to, "%s\n", line)
		return
	}
	by := r.By
	switch {
	case r.Err != "":
		by = "error"
	case !r.Killed():
		by = "-"
	}
	fmt.Fprintf(t.to, "%-*s  %-9s  %10d  %6.1fs  %s\n", t.width, r.mutant.Name, by, r.Executions, r.Seconds, r.Workload)
	if r.Text != "" {
		fmt.Fprintf(t.to, "\n%s\n\n", r.Text)
	}
}

// conclude prints the last line.
func (t *table) conclude(results []result) error {
	planted, killed := 0, 0
	for _, r := range results {
		if r.Err != "" {
			return fmt.Errorf("can't search the mutant %s: %s", r.mutant.Name, r.Err)
		}
		if r.mutant.Name == mutants.Control.Name {
			if r.Killed() {
				return fmt.Errorf("the reference without a fault does not survive the search, so that a kill means nothing: %s in %s", r.Title, r.Workload)
			}
			continue
		}
		planted++
		if r.Killed() {
			killed++
		}
	}
	if !t.json {
		fmt.Fprintf(t.to, "%d mutants, %d killed\n", planted, killed)
	}
	if killed < planted {
		return errSurvived
	}
	return nil
}
