package cri2019

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios/variants"
)

// Status is the status of a container. Times are nanoseconds since the Unix
// epoch. It follows pkg/store/container/status.go.
type Status struct {
	Pid        uint32
	CreatedAt  int64
	StartedAt  int64
	FinishedAt int64
	ExitCode   int32
	Reason     string
	Message    string

	Removing bool `json:"-"`
	Starting bool `json:"-"` // not preseed
	Unknown  bool `json:"-"` // since containerd/cri#1351
}

// State derives the state from the times.
func (s Status) State() runtime.ContainerState {
	switch {
	case s.Unknown:
		return runtime.ContainerState_CONTAINER_UNKNOWN
	case s.FinishedAt != 0:
		return runtime.ContainerState_CONTAINER_EXITED
	case s.StartedAt != 0:
		return runtime.ContainerState_CONTAINER_RUNNING
	case s.CreatedAt != 0:
		return runtime.ContainerState_CONTAINER_CREATED
	}
	return runtime.ContainerState_CONTAINER_UNKNOWN
}

// Failed returns s as the status of a container whose start ended with err.
func (s Status) Failed(at int64, err error) Status {
	s.Pid = 0
	s.FinishedAt = at
	s.ExitCode = 128
	s.Reason = "StartError"
	s.Message = err.Error()
	return s
}

// checkpoint is the form on disk.
type checkpoint struct {
	Version string
	Status
}

// Update computes a new status from the current one. An error leaves the
// current one in place.
type Update func(Status) (Status, error)

// Storage holds the status of one container in memory and on disk. An update
// is a transaction: readers and other updates wait for the end of it, however
// long that takes.
type Storage struct {
	id   string
	disk variants.Checkpoints

	mu     sync.RWMutex
	status Status
}

// NewStorage writes the first status to disk.
func NewStorage(id string, disk variants.Checkpoints, first Status) (*Storage, error) {
	s := &Storage{id: id, disk: disk}
	if err := s.UpdateSync(func(Status) (Status, error) { return first, nil }); err != nil {
		return nil, err
	}
	return s, nil
}

// Get returns the current status.
func (s *Storage) Get() Status {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.status
}

// Update changes the status in memory only.
func (s *Storage) Update(u Update) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, err := u(s.status)
	if err != nil {
		return err
	}
	s.status = next
	return nil
}

// UpdateSync changes the status on disk, and in memory if that succeeded.
func (s *Storage) UpdateSync(u Update) error {
	return s.Update(func(current Status) (Status, error) {
		next, err := u(current)
		if err != nil {
			return current, err
		}
		data, err := json.Marshal(checkpoint{Version: "v1", Status: next})
		if err != nil {
			return current, fmt.Errorf("encode status of %s: %w", s.id, err)
		}
		return next, s.disk.Write(s.id, data)
	})
}

// ReadStatus reads what an earlier service wrote.
func ReadStatus(id string, disk variants.Checkpoints) (Status, error) {
	data, err := disk.Read(id)
	if err != nil {
		return Status{}, err
	}
	var c checkpoint
	if err := json.Unmarshal(data, &c); err != nil {
		return Status{}, fmt.Errorf("decode status of %s: %w", id, err)
	}
	if c.Version != "v1" {
		return Status{}, fmt.Errorf("status of %s has version %q: %w", id, c.Version, errdefs.ErrNotImplemented)
	}
	return c.Status, nil
}

// Delete removes the status from disk. As in the original it takes no lock.
func (s *Storage) Delete() error { return s.disk.Remove(s.id) }
