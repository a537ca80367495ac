package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/startrace/startrace/internal/daemon/gobuild"
	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/internal/simshim"
)

// shimSources are the directories of the module that the simulated shim is made of,
// beside that of initproc.
var shimSources = []string{"cmd/" + simshim.Program, "internal/simshim"}

// SimulatedShim returns the directory with the shim of package simshim, built once
// from the sources of this module. A containerd that has the directory in its PATH
// knows the runtime [simshim.Runtime]; see [Options.SimulatedShim]. logf has the
// form of testing.T.Logf; nil discards.
func SimulatedShim(ctx context.Context, logf func(format string, args ...any)) (string, error) {
	tools, err := findTools()
	if err != nil {
		return "", err
	}
	module := filepath.Dir(tools)
	sources, err := sumSources(module, shimSources)
	if err != nil {
		return "", err
	}
	sum, err := versions(module, sources+initproc.Version())
	if err != nil {
		return "", err
	}
	return cached(ctx, "simshim-"+sum, func(dir string) error {
		if logf != nil {
			logf("building %s, once, from %s", simshim.Program, module)
		}
		err := gobuild.Build(ctx, module, []string{"CGO_ENABLED=0"},
			"-ldflags=-s -w", "-o", filepath.Join(dir, simshim.Program), "./cmd/"+simshim.Program)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBuild, err)
		}
		return nil
	})
}

// sumSources identifies the Go files in directories of a module.
func sumSources(module string, dirs []string) (string, error) {
	sum := sha256.New()
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(module, dir, "*.go"))
		if err != nil || len(files) == 0 {
			return "", fmt.Errorf("%w: no sources in %s of %s", ErrNoTools, dir, module)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return "", fmt.Errorf("%w: %w", ErrNoTools, err)
			}
			fmt.Fprintf(sum, "%s %d\n%s", filepath.Base(file), len(data), data)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
