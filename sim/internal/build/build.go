// Package build builds a binary a second time, with the controlled runtime,
// and lets it take the place of the running process.
package build

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/startrace/startrace/sim/internal/overlay"
)

// Request says what to build.
type Request struct {
	Dir     string   // where the go command runs
	Package string   // as the go command takes it
	Test    bool     // the package's test binary
	Flags   []string // further build flags
}

// Replace builds what is asked for and executes it with this process's
// arguments and environment. It returns only if that fails. The new binary has
// no name in the file system, so that nothing is left behind.
func Replace(req Request) error {
	f, err := build(req)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_SETFD, 0); errno != 0 {
		return fmt.Errorf("can't execute the controlled binary: %w", errno)
	}
	err = syscall.Exec(path, os.Args, append(os.Environ(), fdVariable+"="+fmt.Sprint(f.Fd())))
	return fmt.Errorf("can't execute the controlled binary: %w", err)
}

// fdVariable tells the new process which file descriptor its binary came from.
const fdVariable = "STARTRACE_BINARY_FD"

// Adopt is called in the new process: it tidies up after Replace.
func Adopt() {
	fd := os.Getenv(fdVariable)
	if fd == "" {
		return
	}
	os.Unsetenv(fdVariable)
	var n int
	if _, err := fmt.Sscan(fd, &n); err == nil && n > 2 {
		_ = syscall.Close(n)
	}
}

// build returns the open, unlinked binary.
func build(req Request) (*os.File, error) {
	tool, err := Find()
	if err != nil {
		return nil, err
	}
	overlayFile, err := tool.overlay()
	if err != nil {
		return nil, err
	}
	flags, std, err := compilerFlags(tool.Root)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "startrace-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "binary")
	args := []string{"build", "-buildvcs=false"}
	if req.Test {
		args = []string{"test", "-c", "-vet=off"}
	}
	args = append(args, "-o", out, "-overlay="+overlayFile)
	args = append(args, flags...)
	args = append(args, addGcflags(req.Flags, std)...)
	args = append(args, req.Package)
	if err := tool.run(req.Dir, args); err != nil {
		return nil, err
	}
	return os.Open(out)
}

// Tool is the go command that builds.
type Tool struct {
	Path    string
	Root    string // GOROOT
	Version string // as runtime.Version
	os      string // GOOS and GOARCH of what it builds
	arch    string
	env     []string
}

// Find locates the go command and asks it where it lives.
func Find() (*Tool, error) {
	path, err := exec.LookPath("go")
	if err != nil {
		path = filepath.Join(runtime.GOROOT(), "bin", "go") //nolint:staticcheck // the last resort
		if _, serr := os.Stat(path); serr != nil {
			return nil, fmt.Errorf("the controlled runtime is built with the go command, which is not in PATH: %w", err)
		}
	}
	var stderr bytes.Buffer
	cmd := exec.Command(path, "env", "-json", "GOROOT", "GOVERSION", "GOMODCACHE", "GOOS", "GOARCH")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w\n%s", err, stderr.Bytes())
	}
	var env struct{ GOROOT, GOVERSION, GOMODCACHE, GOOS, GOARCH string }
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	t := &Tool{Path: path, Root: env.GOROOT, Version: env.GOVERSION, os: env.GOOS, arch: env.GOARCH}
	if strings.HasPrefix(env.GOROOT, env.GOMODCACHE+string(filepath.Separator)) {
		err = t.linkRoot()
	}
	return t, err
}

// overlay returns the overlay for what the tool builds.
func (t *Tool) overlay() (string, error) {
	if err := overlay.Platform(t.os, t.arch); err != nil {
		return "", err
	}
	return overlay.Generate(t.Root, t.Version)
}

// linkRoot reaches a toolchain that the go command downloaded by another path:
// it refuses to replace files below the module cache.
func (t *Tool) linkRoot() error {
	cache, err := overlay.CacheDir()
	if err != nil {
		return err
	}
	link := filepath.Join(cache, "goroot", t.Version)
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return fmt.Errorf("can't link the Go toolchain: %w", err)
	}
	if target, err := os.Readlink(link); err != nil || target != t.Root {
		_ = os.Remove(link)
		if err := os.Symlink(t.Root, link); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("can't link the Go toolchain: %w", err)
		}
	}
	t.Root = link
	t.Path = filepath.Join(link, "bin", "go")
	t.env = []string{"GOROOT=" + link, "GOTOOLCHAIN=local"}
	return nil
}

// shown leaves out the compiler flags, of which there are too many to read.
func shown(args []string) string {
	var out []string
	for _, a := range args {
		if !strings.HasPrefix(a, "-gcflags=") {
			out = append(out, a)
		}
	}
	return strings.Join(out, " ")
}

// run executes the go command. An interrupt ends it, and then us.
func (t *Tool) run(dir string, args []string) error {
	var out bytes.Buffer
	cmd := exec.Command(t.Path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), t.env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupted)
	runtime.LockOSThread() // the child dies with the thread that started it
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("can't run the go command: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("building with the controlled runtime failed: go %s: %w\n%s", shown(args), err, bytes.TrimSpace(out.Bytes()))
		}
		return nil
	case s := <-interrupted:
		_ = cmd.Process.Signal(s)
		if err := <-done; err == nil {
			return nil // it was faster
		}
		return fmt.Errorf("building with the controlled runtime: %v", s)
	}
}
