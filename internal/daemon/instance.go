package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// instance is what a [Daemon] has on this machine, whether its owner is alive
// or not: a directory, and everything that carries its namespace. The
// namespace is the directory's name. It is never chosen by a user: all
// processes of the cgroup of that name get killed.
type instance struct {
	dir     string   // absolute, made by newInstance
	owner   *os.File // locked while the owning process lives, contains address
	address string   // of a daemon that is not ours, or empty
}

const (
	ownerFile = "owner"
	// maxSocketDir is containerd's limit for the length of socket_dir.
	maxSocketDir = 42
)

// instanceBase returns the directory below which instances live: that for
// temporary files unless paths of sockets in it would be too long, or hidden by
// [privateRun].
func instanceBase() string {
	base := os.TempDir()
	if len(filepath.Join(base, "startrace-4294967295", "run", "s")) > maxSocketDir || strings.HasPrefix(base, "/run") {
		return "/tmp"
	}
	return base
}

// newInstance makes a directory. It gets its final name only when it is
// locked, so that [abandoned] never takes it for one without owner.
func newInstance(base, address string) (_ *instance, err error) {
	tmp, err := os.MkdirTemp(base, ".startrace-")
	if err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	in := &instance{
		dir:     filepath.Join(base, strings.TrimPrefix(filepath.Base(tmp), ".")),
		address: address,
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("daemon: %w", errors.Join(err, os.RemoveAll(tmp), in.release()))
		}
	}()
	if in.owner, err = os.Create(filepath.Join(tmp, ownerFile)); err != nil {
		return nil, err
	}
	if locked, err := tryLock(in.owner); err != nil || !locked {
		return nil, errors.Join(errors.New("new file is locked"), err)
	}
	if _, err := in.owner.WriteString(address); err != nil {
		return nil, err
	}
	return in, os.Rename(tmp, in.dir)
}

// abandoned returns the instances below base whose owners are dead. They are
// locked; the caller cleans and thereby releases them.
func abandoned(base string) ([]*instance, error) {
	dirs, err := filepath.Glob(filepath.Join(base, "startrace-[0-9]*"))
	if err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	var found []*instance
	for _, dir := range dirs {
		owner, err := os.OpenFile(filepath.Join(dir, ownerFile), os.O_RDWR, 0)
		if err != nil {
			continue // not an instance, not ours to read, or just removed
		}
		locked, err := tryLock(owner)
		address, readErr := io.ReadAll(owner)
		if !locked || err != nil || readErr != nil {
			owner.Close()
			continue
		}
		found = append(found, &instance{dir: dir, owner: owner, address: string(address)})
	}
	return found, nil
}

func (in *instance) release() error {
	if in.owner == nil {
		return nil
	}
	err := in.owner.Close()
	in.owner = nil
	return err
}

func (in *instance) namespace() string { return filepath.Base(in.dir) }

func (in *instance) cgroupParent() string { return "/" + in.namespace() }

// run is the directory that may be a mount of its own.
func (in *instance) run() string { return filepath.Join(in.dir, "run") }

// clean kills what still runs, removes all traces and gives the lock back. A
// daemon of its own must have been stopped. It tries everything and returns
// all errors.
func (in *instance) clean(ctx context.Context) error {
	errs := []error{in.killAll(ctx), in.unmount(), in.removeCgroups(ctx)}
	if err := errors.Join(errs...); err != nil {
		// The record stays, so that a later start tries again.
		return errors.Join(err, in.release())
	}
	return errors.Join(os.RemoveAll(in.dir), in.release())
}

// killAll kills the processes of the instance until none is left; one that is
// just being started may become visible after a first look.
func (in *instance) killAll(ctx context.Context) error {
	for delay := time.Millisecond; ; delay = min(2*delay, 50*time.Millisecond) {
		all, err := pids()
		if err != nil {
			return err
		}
		killed := 0
		for _, pid := range all {
			// The handle is taken first: it stays with the process that is
			// then looked at, should the number be used again.
			p, err := os.FindProcess(pid)
			if err != nil {
				continue // gone
			}
			if in.owns(readProc(pid)) {
				killed++
				err = p.Kill()
			}
			if err = errors.Join(err, p.Release()); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return fmt.Errorf("daemon: kill %d: %w", pid, err)
			}
		}
		if killed == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("daemon: %d processes do not die: %w", killed, ctx.Err())
		case <-time.After(delay):
		}
	}
}

// owns tells whether a process belongs to the instance: it is in one of its
// cgroups, it is a shim of its namespace, or it is a containerd, shim or runc that
// was given a path in its directory.
func (in *instance) owns(p procInfo) bool {
	if p.zombie {
		return false // it holds nothing and waits for its parent only
	}
	for _, cgroup := range p.cgroups {
		if cgroup == in.cgroupParent() || strings.HasPrefix(cgroup, in.cgroupParent()+"/") {
			return true
		}
	}
	switch name := strings.TrimSuffix(filepath.Base(p.exe), " (deleted)"); {
	case strings.HasPrefix(name, "containerd-shim"):
		i := slices.Index(p.args, "-namespace")
		return i >= 0 && i+1 < len(p.args) && p.args[i+1] == in.namespace() || in.named(p)
	case name == "containerd", name == "runc":
		return in.named(p)
	}
	return false
}

// named tells whether a process was given a path in the directory.
func (in *instance) named(p procInfo) bool {
	return slices.ContainsFunc(p.args, func(arg string) bool { return strings.HasPrefix(arg, in.dir+"/") })
}

// isShim tells whether a process is the shim that serves container id.
func (in *instance) isShim(p procInfo, id string) bool {
	i := slices.Index(p.args, "-id")
	return in.owns(p) && strings.HasPrefix(filepath.Base(p.exe), "containerd-shim") &&
		i >= 0 && i+1 < len(p.args) && p.args[i+1] == id && !slices.Contains(p.args, "delete")
}

// mounts returns the mount points in the directory, innermost first.
func (in *instance) mounts() ([]string, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	var points []string
	for _, m := range slices.Backward(mounts) {
		if strings.HasPrefix(m.point, in.dir+"/") {
			points = append(points, m.point)
		}
	}
	return points, nil
}

func (in *instance) unmount() error {
	points, err := in.mounts()
	if err != nil {
		return err
	}
	var errs []error
	for _, point := range points {
		if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("daemon: unmount %s: %w", point, err))
		}
	}
	return errors.Join(errs...)
}
