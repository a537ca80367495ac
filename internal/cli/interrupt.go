package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/internal/results"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
)

// interrupts returns what the first interrupt closes; the second one ends the
// process, as ever.
func interrupts() (stop <-chan struct{}, done func()) {
	c, signals, over := make(chan struct{}), make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			signal.Stop(signals)
			close(c)
		case <-over:
			signal.Stop(signals)
		}
	}()
	return c, func() { close(over) }
}

// exploreFlags reads what divides a search among processes, machines and time.
func exploreFlags(c *cli.Command, opts *sim.Options, variants []scenarios.Variant, w scenarios.Workload) error {
	if opts.Workers < 1 {
		return fail(exitUsage, "--workers: %d is no number of processes", opts.Workers)
	}
	shard, err := results.ShardOf(c.String("shard"))
	if err != nil {
		return fail(exitUsage, "--shard: %w", err)
	}
	opts.Shard = shard
	file := c.String("resume")
	if file == "" {
		return nil
	}
	point, err := sim.ReadCheckpoint(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		opts.Checkpoint = &sim.Checkpoint{}
		return nil
	case errors.Is(err, sim.ErrCheckpoint):
		return fail(exitUsage, "--resume: %w", err)
	case err != nil:
		return fail(exitEnvironment, "--resume: %w", err)
	}
	opts.Checkpoint = point
	known := point.Empty()
	for _, v := range variants {
		known = known || point.Has(label(v, w))
	}
	if !known {
		return fail(exitUsage, "--resume: %s belongs to other variants or another workload", file)
	}
	return nil
}

// keepCheckpoint leaves what an interrupted search has done in the file, and
// removes that when there is nothing left to do.
func keepCheckpoint(file string, point *sim.Checkpoint, outcomes []outcome) error {
	if file == "" {
		return nil
	}
	err := error(nil)
	if n := len(outcomes); n > 0 && outcomes[n-1].Verdict == verdictStopped {
		err = point.Write(file)
	} else if err = os.Remove(file); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return fail(exitEnvironment, "--resume: %w", fmt.Errorf("can't keep the state: %w", err))
	}
	return nil
}
