package daemon

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/startrace/startrace/internal/daemon/gobuild"
)

// toolsEnv names the environment variable with the path of the directory
// tools of a checkout, for binaries that run elsewhere.
const toolsEnv = "STARTRACE_TOOLS"

// program is one of the binaries a daemon consists of.
type program struct {
	name, pkg string
	env       []string
	tags      string
}

// programs returns what is built. runc enters namespaces in C; seccomp and
// libpathrs, its other C parts, are left out, so that a C compiler and the C
// library's headers are all it takes. containerd comes without the CRI
// plugin unless cri is set.
func programs(cri bool) []program {
	tags := "no_cri"
	if cri {
		tags = ""
	}
	return []program{
		{"containerd", "github.com/containerd/containerd/v2/cmd/containerd", []string{"CGO_ENABLED=0"}, tags},
		{"containerd-shim-runc-v2", "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2", []string{"CGO_ENABLED=0"}, ""},
		{"runc", "github.com/opencontainers/runc", []string{"CGO_ENABLED=1"}, "urfave_cli_no_docs,netgo,osusergo"},
	}
}

// toolchain is a version of the programs: sources and where the result goes.
type toolchain struct {
	tools string // directory of the module that pins the versions
	name  string // directory in the cache
	cri   bool   // with the CRI plugin
}

// findToolchain looks for the sources and derives from their versions and the
// Go in use where the result belongs.
func findToolchain(cri bool) (toolchain, error) {
	tools, err := findTools()
	if err != nil {
		return toolchain{}, err
	}
	sum, err := versions(tools, programs(cri))
	if err != nil {
		return toolchain{}, err
	}
	return toolchain{tools, "containerd-" + sum, cri}, nil
}

// versions identifies what is built with more from the module in dir, with the Go
// in use.
func versions(dir string, more any) (string, error) {
	sum := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrNoTools, err)
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(data), data)
	}
	fmt.Fprint(sum, runtime.Version(), runtime.GOARCH, more)
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// findTools returns the directory tools of the checkout: as the environment
// says, beside this source file, or in the module of the working directory.
func findTools() (string, error) {
	if dir := os.Getenv(toolsEnv); dir != "" {
		if !exists(filepath.Join(dir, "go.mod")) {
			return "", fmt.Errorf("%w: no go.mod in %s=%s", ErrNoTools, toolsEnv, dir)
		}
		return dir, nil
	}
	var dirs []string
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		dirs = append(dirs, filepath.Join(filepath.Dir(file), "..", "..", "tools"))
	}
	if wd, err := os.Getwd(); err == nil {
		for ; wd != filepath.Dir(wd); wd = filepath.Dir(wd) {
			dirs = append(dirs, filepath.Join(wd, "tools"))
		}
	}
	for _, dir := range dirs {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && modulePath(data) == "github.com/startrace/startrace/tools" {
			return filepath.Clean(dir), nil
		}
	}
	return "", fmt.Errorf("%w: run inside a checkout of startrace, set %s to its directory tools, or name the address of a running containerd",
		ErrNoTools, toolsEnv)
}

// modulePath returns the path that a go.mod declares.
func modulePath(goMod []byte) string {
	for line := range strings.Lines(string(goMod)) {
		if path, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(path)
		}
	}
	return ""
}

func (tc toolchain) built() bool {
	root, err := cacheDir()
	return err == nil && exists(filepath.Join(root, tc.name))
}

func (tc toolchain) compiler() string { return cmp.Or(os.Getenv("CC"), "gcc") }

// build returns the directory with the programs, building them if need be.
func (tc toolchain) build(ctx context.Context, logf func(string, ...any)) (string, error) {
	return cached(ctx, tc.name, func(dir string) error {
		logf("building containerd and runc, once, from %s", tc.tools)
		for _, p := range programs(tc.cri) {
			err := gobuild.Build(ctx, tc.tools, p.env, "-tags="+p.tags, "-ldflags=-s -w", "-o", filepath.Join(dir, p.name), p.pkg)
			if errors.Is(err, exec.ErrNotFound) {
				return fmt.Errorf("%w: install Go: %w", ErrBuild, err)
			}
			if err != nil {
				return fmt.Errorf("%w: %w", ErrBuild, err)
			}
		}
		return nil
	})
}
