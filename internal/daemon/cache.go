package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// cacheDir is where built programs are kept between runs.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("daemon: no place to keep built programs: %w", err)
	}
	return filepath.Join(dir, "startrace"), nil
}

// cached returns the path of the directory name in the cache. If it does not
// exist, it comes into being complete or not at all, by fill in a temporary
// place and a rename; processes that want it at the same time wait for the
// first one.
func cached(ctx context.Context, name string, fill func(dir string) error) (path string, err error) {
	root, err := cacheDir()
	if err != nil {
		return "", err
	}
	path = filepath.Join(root, name)
	if exists(path) {
		return path, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("daemon: %w", err)
	}
	unlock, err := lock(ctx, path+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(path) {
		return path, nil
	}
	tmp, err := os.MkdirTemp(root, name+".tmp-")
	if err != nil {
		return "", fmt.Errorf("daemon: %w", err)
	}
	defer os.RemoveAll(tmp) // after the rename there is nothing at that path
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", fmt.Errorf("daemon: %w", err)
	}
	if err := fill(tmp); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, path); err != nil {
		return "", fmt.Errorf("daemon: %w", err)
	}
	return path, nil
}

// lock takes the advisory lock of a file, which it creates, and returns what
// gives it back. The kernel gives it back when the process dies.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	for {
		locked, err := tryLock(f)
		if err != nil {
			f.Close()
			return nil, err
		}
		if locked {
			return func() { f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("daemon: waiting for %s: %w", path, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func tryLock(f *os.File) (bool, error) {
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case err == nil:
		return true, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return false, nil
	default:
		return false, fmt.Errorf("daemon: lock %s: %w", f.Name(), err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
