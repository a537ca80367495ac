package blackbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// What the pods of a target carry: a label, and as annotations its directory and its
// image. The file owner in the directory is locked while the target is open.
const (
	label        = "io.startrace"
	labelValue   = "blackbox"
	dirAnnotated = "io.startrace.dir"
	imgAnnotated = "io.startrace.image"
	ownerName    = "owner"
	dirPrefix    = "startrace-blackbox-"
)

// lockDir makes the directory of a target, which is in use until the file is closed.
func lockDir() (dir string, owner *os.File, err error) {
	if dir, err = os.MkdirTemp("", dirPrefix); err != nil {
		return "", nil, fmt.Errorf("blackbox: %w", err)
	}
	if owner, err = os.Create(filepath.Join(dir, ownerName)); err == nil {
		err = syscall.Flock(int(owner.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("blackbox: %w", err), os.RemoveAll(dir))
	}
	return dir, owner, nil
}

// ownerless reports whether nobody uses the directory of a target any more.
func ownerless(dir string) bool {
	owner, err := os.OpenFile(filepath.Join(dir, ownerName), os.O_RDWR, 0)
	if err != nil {
		return errors.Is(err, os.ErrNotExist)
	}
	defer owner.Close() // gives the lock back
	return syscall.Flock(int(owner.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// reclaim removes what targets of this endpoint left that were killed. It tries
// everything and returns all errors.
func (t *Target) reclaim(ctx context.Context) error {
	r, err := t.runtime.ListPodSandbox(ctx, &runtime.ListPodSandboxRequest{
		Filter: &runtime.PodSandboxFilter{LabelSelector: map[string]string{label: labelValue}},
	})
	if err != nil {
		return fmt.Errorf("blackbox: list pods: %w", err)
	}
	var errs []error
	for _, p := range r.GetItems() {
		dir := p.GetAnnotations()[dirAnnotated]
		if dir == "" || !ownerless(dir) {
			continue
		}
		if err := t.removePod(ctx, p.GetId()); err != nil {
			errs = append(errs, err)
			continue // the directory stays, so that a later one tries again
		}
		_, err := t.images.RemoveImage(ctx, &runtime.RemoveImageRequest{
			Image: &runtime.ImageSpec{Image: p.GetAnnotations()[imgAnnotated]},
		})
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, p := range r.GetItems() {
		// Another process may have written what this one removes.
		dir := p.GetAnnotations()[dirAnnotated]
		if filepath.Dir(dir) == filepath.Clean(os.TempDir()) && strings.HasPrefix(filepath.Base(dir), dirPrefix) && ownerless(dir) {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}
