package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/sim"
	"github.com/startrace/startrace/sim/schedule"
)

func replayCommand() *cli.Command {
	return &cli.Command{
		Name:      "replay",
		Usage:     "replay a schedule that explore found",
		ArgsUsage: "TOKEN|FILE",
		Description: `The execution is drawn again, step by step the same. The exit code is 1 if it
violates an invariant, as it should, and 4 if it is another execution than the
recorded one.

The flags write pictures of it as well; - is standard output, which then has
nothing else.`,
		Flags:        pictureFlags(),
		OnUsageError: usageError,
		Action:       replay,
	}
}

func replay(_ context.Context, c *cli.Command) error {
	if c.NArg() != 1 {
		return fail(exitUsage, "replay takes one token or schedule file, got %d arguments", c.NArg())
	}
	s, err := readSchedule(c.Args().First())
	if err != nil {
		return fail(exitUsage, "%w", err)
	}
	v, w, err := unlabel(s.Label)
	if err != nil {
		return fail(exitUsage, "%w", err)
	}
	r, err := sim.Reproduce(config(), s, scenarios.Body(v, w))
	if err != nil {
		return fail(exitNondeterminism, "%w", err)
	}
	out := c.Root().Writer
	if alone, err := writePictures(c, r, s, scenarios.Body(v, w)); err != nil {
		return err
	} else if alone {
		out = io.Discard
	}
	if r.Failure == nil {
		fmt.Fprintf(out, "%s: replayed %d points, nothing is violated\n", s.Label, r.Points)
		return nil
	}
	fmt.Fprintf(out, "%s\nworkload: %s\n\n%s", v.Name, w, r.Text())
	return &failure{exitViolated, errQuiet}
}

// readSchedule reads a token, or a file.
func readSchedule(text string) (schedule.Schedule, error) {
	s, err := schedule.Parse(text)
	if !errors.Is(err, schedule.ErrNotToken) {
		return s, err
	}
	if _, serr := os.Stat(text); errors.Is(serr, fs.ErrNotExist) {
		return s, fmt.Errorf("%w, and there is no such file", err)
	}
	return schedule.ReadFile(text)
}
