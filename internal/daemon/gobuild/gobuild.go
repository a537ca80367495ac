// Package gobuild runs "go build" and "go test -c" so that its result depends on the source
// alone and not on the settings of whoever runs the tests: no workspace, no
// GOFLAGS (which could carry an overlay or the race detector), the host's
// platform.
//
// It builds helper programs of this module for real runs. It is not a build
// system and caches nothing beyond what the go command does.
package gobuild

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Error is a build that failed.
type Error struct {
	Args   []string // the command
	Output string   // what it wrote to standard output and error
	Err    error    // why it failed: an [exec.Error] if there is no go command
}

func (e *Error) Error() string {
	msg := fmt.Sprintf("%s: %v", strings.Join(e.Args, " "), e.Err)
	if out := strings.TrimSpace(e.Output); out != "" {
		msg += "\n" + out
	}
	return msg
}

func (e *Error) Unwrap() error { return e.Err }

// Build runs "go build" with args in the directory dir, with env added to the
// environment. A failure is an [*Error]. Safe for concurrent use.
func Build(ctx context.Context, dir string, env []string, args ...string) error {
	return run(ctx, dir, env, append([]string{"build", "-trimpath", "-buildvcs=false"}, args...))
}

// Test is Build for "go test -c", which builds the tests of a package.
func Test(ctx context.Context, dir string, env []string, args ...string) error {
	return run(ctx, dir, env, append([]string{"test", "-c", "-trimpath", "-buildvcs=false"}, args...))
}

func run(ctx context.Context, dir string, env, args []string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "PWD="+dir)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return &Error{Args: cmd.Args, Output: string(out), Err: err}
	}
	return nil
}
