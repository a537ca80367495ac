package daemon

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Debian returns the path of the containerd that the distribution has a
// package of, for [Options.Binary], and its version: 1.6.20 on Debian 12. The
// packages containerd and runc are unpacked into the user's cache directory,
// once per release of the distribution, and not installed: nothing of the
// system changes but, if apt knows no packages yet, its lists of them. It
// returns an error that wraps [ErrNoPackage] on other distributions and when
// the package cannot be had. logf has the form of testing.T.Logf; nil discards.
func Debian(ctx context.Context, logf func(format string, args ...any)) (binary, version string, err error) {
	if logf == nil {
		logf = func(string, ...any) {}
	}
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", "", fmt.Errorf("%w: %w", ErrNoPackage, err)
		}
	}
	release, err := os.ReadFile("/etc/debian_version")
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrNoPackage, err)
	}
	name := "containerd-debian-" + strings.ReplaceAll(strings.TrimSpace(string(release)), "/", "-")
	dir, err := cached(ctx, name, func(dir string) error {
		logf("unpacking the distribution's packages containerd and runc, once")
		return unpackDebian(ctx, dir)
	})
	if err != nil {
		return "", "", err
	}
	binary = filepath.Join(dir, "containerd")
	version, err = versionOf(ctx, binary)
	return binary, version, err
}

// unpackDebian fills dir with the programs of the packages.
func unpackDebian(ctx context.Context, dir string) error {
	tmp, err := os.MkdirTemp("", "startrace-deb-")
	if err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	defer os.RemoveAll(tmp)
	run := func(name string, args ...string) error {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = tmp
		if out, err := cmd.CombinedOutput(); err != nil {
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			return fmt.Errorf("%w: %s %s: %w: %s", ErrNoPackage, name, strings.Join(args, " "), err, lines[len(lines)-1])
		}
		return nil
	}
	download := []string{"-q", "-o", "APT::Sandbox::User=root", "download", "containerd", "runc"}
	if err := run("apt-get", download...); err != nil {
		if err := run("apt-get", "-q", "update"); err != nil {
			return err
		}
		if err := run("apt-get", download...); err != nil {
			return err
		}
	}
	packages, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	for _, path := range packages {
		if err := run("dpkg-deb", "-x", path, "root"); err != nil {
			return err
		}
	}
	for _, name := range []string{"usr/bin/containerd", "usr/bin/containerd-shim-runc-v2", "usr/sbin/runc"} {
		if err := copyProgram(filepath.Join(tmp, "root", name), filepath.Join(dir, filepath.Base(name))); err != nil {
			return fmt.Errorf("%w: %w", ErrNoPackage, err)
		}
	}
	return nil
}

func copyProgram(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}
