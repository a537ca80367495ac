package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
)

// findPrograms sets what of d depends on the containerd that is started.
func (d *Daemon) findPrograms(ctx context.Context, opts Options, logf func(string, ...any)) error {
	binary := opts.Binary
	if binary == "" {
		tc, err := findToolchain(opts.SandboxImage != "")
		if err != nil {
			return err
		}
		d.bin, err = tc.build(ctx, logf)
		return err
	}
	version, err := versionOf(ctx, binary)
	if err != nil {
		return err
	}
	d.bin, d.old = filepath.Dir(binary), version[0] == '1'
	return nil
}

// versionOf returns what a containerd says of itself, such as 1.6.20.
func versionOf(ctx context.Context, binary string) (string, error) {
	out, err := exec.CommandContext(ctx, binary, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("daemon: %s: %w", binary, err)
	}
	found := regexp.MustCompile(` v?(\d+\.\d+\.\d+)`).FindSubmatch(out)
	if found == nil {
		return "", fmt.Errorf("daemon: %s is no containerd: it answers %q", binary, out)
	}
	return string(found[1]), nil
}

// privateRun gives the calling thread, which must be locked and never be used
// for anything else, a mount namespace whose /run is the directory dir. A
// containerd before 2.1 keeps the sockets of its shims in /run/containerd/s,
// whatever its configuration says, and leaves those of killed shims there.
func privateRun(dir string) error {
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := syscall.Unshare(syscall.CLONE_FS | syscall.CLONE_NEWNS); err != nil {
		return fmt.Errorf("new mount namespace: %w", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := syscall.Mount(dir, "/run", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount on /run: %w", err)
	}
	return nil
}
