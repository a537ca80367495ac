// Package cli is the command line of startrace.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/sim"
)

// The exit codes.
const (
	exitExpected       = 0 // everything is as expected
	exitViolated       = 1 // an invariant is violated, or a planted violation was not found
	exitUsage          = 2 // the command line is wrong
	exitEnvironment    = 3 // something that is needed is not there
	exitNondeterminism = 4 // a replay differs
	exitInconclusive   = 5 // nothing was checked

	exitInterrupted = 130 // by a signal; what was found is printed
	exitTerminated  = 143 // the same by SIGTERM; of soak only
)

// failure is an error with the exit code that it leads to.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(code int, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...)}
}

// errQuiet ends the program with a code when everything has been said.
var errQuiet = errors.New("")

// Run executes a command line and returns the exit code. Results go to stdout,
// progress and errors to stderr.
func Run(args []string, stdout, stderr io.Writer) int {
	root := &cli.Command{
		Name:      "startrace",
		Usage:     "make the races of StartContainer show up every time",
		Writer:    stdout,
		ErrWriter: stderr,
		Description: `Exit codes: 0 everything is as expected; 1 an invariant is violated, or a
violation that is known to be there was not found; 2 the command line is wrong;
3 something that is needed is not there (see startrace doctor); 4 a replay
differs from what was recorded; 5 soak checked nothing; 130 explore, blackbox or soak
was interrupted; 143 soak got a SIGTERM.`,
		Commands:        []*cli.Command{exploreCommand(), replayCommand(), mergeCommand(), scenariosCommand(), testCommand(), fakeCommand(), serveCommand(), blackboxCommand(), soakCommand(), doctorCommand()},
		HideHelpCommand: true,
		ExitErrHandler:  func(context.Context, *cli.Command, error) {},
		OnUsageError:    usageError,
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return fail(exitUsage, "unknown command %q: there are explore, replay, merge, scenarios, test, fake, serve, blackbox, soak and doctor; see startrace --help", c.Args().First())
			}
			return cli.ShowRootCommandHelp(c)
		},
	}
	err := root.Run(context.Background(), args)
	if err != nil && !errors.Is(err, errQuiet) {
		fmt.Fprintf(stderr, "startrace: %v\n", err)
	}
	return codeOf(err)
}

// codeOf is the exit code of a command that ends with err.
func codeOf(err error) int {
	if err == nil {
		return exitExpected
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	return exitEnvironment
}

func usageError(_ context.Context, c *cli.Command, err error, _ bool) error {
	return fail(exitUsage, "%w; see %s --help", err, c.FullName())
}

// testCommand is there for the help: the program executes go test before it
// comes here.
func testCommand() *cli.Command {
	return &cli.Command{
		Name:            "test",
		Usage:           "run go test under the controlled runtime, without building test binaries twice",
		ArgsUsage:       "[flags and packages of go test]",
		SkipFlagParsing: true,
	}
}

// config is the configuration of all executions.
func config(focus ...string) sim.Config {
	return sim.Config{EarlyTimers: -1, Focus: focus, Sites: []string{
		"github.com/startrace/startrace/impl.",
		"github.com/startrace/startrace/scenarios/variants/",
		"github.com/startrace/startrace/scenarios.",
	}}
}

// noArguments refuses arguments that are no flags.
func noArguments(c *cli.Command) error {
	if c.Args().Present() {
		return fail(exitUsage, "%s takes no arguments, got %q", c.FullName(), c.Args().First())
	}
	return nil
}
