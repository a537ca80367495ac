package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// cgroups returns the directories of the instance in all cgroup hierarchies,
// innermost first.
func (in *instance) cgroups() ([]string, error) {
	mounts, err := readMounts()
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, root := range cgroupRoots(mounts) {
		err := filepath.WalkDir(filepath.Join(root, in.cgroupParent()), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // never existed, or the runtime was faster
			}
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("daemon: %w", err)
		}
	}
	slices.Reverse(dirs)
	return dirs, nil
}

// removeCgroups removes them. A cgroup stays busy for a moment after its last
// process was killed.
func (in *instance) removeCgroups(ctx context.Context) error {
	for {
		dirs, err := in.cgroups()
		if err != nil || len(dirs) == 0 {
			return err
		}
		for _, dir := range dirs {
			rmErr := os.Remove(dir)
			if rmErr != nil && !errors.Is(rmErr, syscall.EBUSY) && !errors.Is(rmErr, fs.ErrNotExist) {
				return fmt.Errorf("daemon: %w", rmErr)
			}
			err = errors.Join(err, rmErr)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("daemon: %w: %w", ctx.Err(), err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
