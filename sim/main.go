package sim

import (
	"fmt"
	"os"
	"testing"

	"github.com/startrace/startrace/sim/internal/build"
	"github.com/startrace/startrace/sim/internal/ctl"
)

// Main runs the tests of a package under the controlled runtime:
//
//	func TestMain(m *testing.M) { sim.Main(m) }
//
// If the binary was built without it, as go test does, Main builds the test
// binary again, with the same flags, and executes it with the same arguments
// and environment, so that go test and its flags mean what they always mean.
// If that can't be done it says why and exits with code 2; it never runs the
// tests uncontrolled. The go command has to be there, and the working directory
// has to be that of the package, as it is under go test.
//
// The functions after run when the tests have, get the exit code and return
// the one to use: the place of a leak check, say. Goroutines that failed
// executions left behind are not on the stacks that such a check sees.
func Main(m *testing.M, after ...func(code int) int) {
	if !ctl.Available {
		err := build.Replace(build.TestBinary(testing.CoverMode()))
		fmt.Fprintf(os.Stderr, "startrace: %v\n", err)
		os.Exit(2)
	}
	build.Adopt()
	code := unreplayed(m.Run())
	for _, f := range after {
		code = f(code)
	}
	os.Exit(code)
}

// GoTest executes go test, with these arguments, under the controlled runtime in
// the place of this process. Packages that call Main are then built only once.
// It returns only if that fails.
func GoTest(args []string) error { return build.GoTest(args) }

// MainProgram is Main for a program whose main package is pkg, and which calls
// it first. It returns in the process that has the controlled runtime.
func MainProgram(dir, pkg string) error {
	if !ctl.Available {
		return build.Replace(build.Request{Dir: dir, Package: pkg, Flags: build.Flags()})
	}
	build.Adopt()
	return nil
}
