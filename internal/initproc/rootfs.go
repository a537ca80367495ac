package initproc

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/startrace/startrace/internal/daemon/gobuild"
)

// source is all the process is made of. Carrying it makes the root filesystem
// buildable wherever there is a go command, also from an installed binary
// whose repository is elsewhere.
//
//go:embed command.go facts.go run.go init/main.go
var source embed.FS

const goMod = "module github.com/startrace/startrace\n\ngo 1.26\n"

// BuildRootfs creates the directory dir with a static build of the process as
// [Path] and with /dev, /etc, /proc, /run, /sys and /tmp, which stay empty. It
// needs a go command but no network, and returns a [gobuild.Error] when the
// build fails. dir must not exist or be empty.
func BuildRootfs(ctx context.Context, dir string) (err error) {
	module, err := os.MkdirTemp("", "startrace-init-")
	if err != nil {
		return fmt.Errorf("initproc: %w", err)
	}
	defer os.RemoveAll(module)
	if err := os.WriteFile(filepath.Join(module, "go.mod"), []byte(goMod), 0o600); err != nil {
		return fmt.Errorf("initproc: %w", err)
	}
	if err := os.CopyFS(filepath.Join(module, "internal", "initproc"), source); err != nil {
		return fmt.Errorf("initproc: %w", err)
	}
	for _, name := range []string{"dev", "etc", "proc", "run", "sys", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return fmt.Errorf("initproc: %w", err)
		}
	}
	out, err := filepath.Abs(filepath.Join(dir, Path))
	if err != nil {
		return fmt.Errorf("initproc: %w", err)
	}
	err = gobuild.Build(ctx, module, []string{"CGO_ENABLED=0"}, "-ldflags=-s -w", "-o", out, "./internal/initproc/init")
	if err != nil {
		return fmt.Errorf("initproc: %w", err)
	}
	return nil
}

// Version identifies the source of the process: directories that
// [BuildRootfs] made of equal versions with the same Go are equal.
func Version() string {
	sum := sha256.New()
	err := fs.WalkDir(source, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := source.ReadFile(path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(data), data)
		return err
	})
	if err != nil {
		panic(fmt.Sprintf("initproc: embedded source: %v", err))
	}
	return hex.EncodeToString(sum.Sum(nil))
}
