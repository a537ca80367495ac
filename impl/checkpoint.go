package impl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/continuity"
	"github.com/containerd/errdefs"
)

// Checkpoints is the state directory: one record per container, and two per
// sandbox, its own being under its id with a suffix.
// Implementations must be safe for concurrent use with different ids.
type Checkpoints interface {
	// Write replaces the record of id, atomically. After nil it survives a
	// crash; after an error either the old or the new record is there.
	Write(id string, data []byte) error
	// Read returns the record of id, an error of class errdefs.ErrNotFound if
	// there is none.
	Read(id string) ([]byte, error)
	// List returns the ids that have a record, sorted.
	List() ([]string, error)
	// Remove deletes the record of id durably; nil if there is none.
	Remove(id string) error
}

// NewCheckpointDir returns the Checkpoints in the directory path, one file per
// record. The directory is created if need be. What an interrupted write left
// there is deleted.
func NewCheckpointDir(path string) (Checkpoints, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("failed to create state directory: %w", err)
	}
	leftovers, err := filepath.Glob(filepath.Join(path, tempPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("failed to look for unfinished records: %w", err)
	}
	for _, name := range leftovers {
		if err := os.Remove(name); err != nil {
			return nil, fmt.Errorf("failed to delete unfinished record: %w", err)
		}
	}
	return checkpointDir(path), nil
}

type checkpointDir string

const (
	recordSuffix = ".json"
	tempPrefix   = ".tmp-" // of continuity.AtomicWriteFile, which leaves them behind when it fails
)

func (d checkpointDir) Write(id string, data []byte) error {
	name, err := d.file(id)
	if err != nil {
		return err
	}
	if err := continuity.AtomicWriteFile(name, data, 0o600); err != nil {
		d.deleteUnfinished(id)
		return fmt.Errorf("failed to write record of container %q: %w", id, err)
	}
	// The file is synced, but its name is not until the directory is.
	if err := d.sync(); err != nil {
		return fmt.Errorf("failed to write record of container %q: %w", id, err)
	}
	return nil
}

// deleteUnfinished gives back the space of a write that failed: a full disk
// would only get fuller with each retry.
func (d checkpointDir) deleteUnfinished(id string) {
	leftovers, _ := filepath.Glob(filepath.Join(string(d), tempPrefix+id+recordSuffix+"*"))
	for _, name := range leftovers {
		os.Remove(name)
	}
}

func (d checkpointDir) Read(id string) ([]byte, error) {
	name, err := d.file(id)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("record of container %q: %w", id, errdefs.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to read record of container %q: %w", id, err)
	}
	return data, nil
}

func (d checkpointDir) List() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, fmt.Errorf("failed to list records: %w", err)
	}
	var ids []string
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), recordSuffix)
		if ok && !strings.HasPrefix(id, tempPrefix) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func (d checkpointDir) Remove(id string) error {
	name, err := d.file(id)
	if err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("failed to remove record of container %q: %w", id, err)
	}
	if err := d.sync(); err != nil {
		return fmt.Errorf("failed to remove record of container %q: %w", id, err)
	}
	return nil
}

// file returns the path of the record of id, which must be a plain file name.
func (d checkpointDir) file(id string) (string, error) {
	if id == "" || strings.HasPrefix(id, ".") || strings.Contains(id, "/") {
		return "", fmt.Errorf("%q is no container id: %w", id, errdefs.ErrInvalidArgument)
	}
	return filepath.Join(string(d), id+recordSuffix), nil
}

// sync makes what happened to the names in the directory durable.
func (d checkpointDir) sync() (retErr error) {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	defer func() {
		if err := f.Close(); retErr == nil {
			retErr = err
		}
	}()
	return f.Sync()
}
