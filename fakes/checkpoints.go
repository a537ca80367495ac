package fakes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/sim"
)

// Checkpoints is the state directory of a service: one record per container
// that is replaced as a whole or not at all. It outlives the service. A failing
// Write leaves either the old record or the new one, as a failing rename or a
// failing fsync of the directory does. Safe for concurrent use.
type Checkpoints struct {
	opts Options

	mu      sync.Mutex
	records map[string][]byte
}

// NewCheckpoints returns an empty store; of opts it uses Record and Faults.
func NewCheckpoints(opts Options) *Checkpoints {
	return &Checkpoints{opts: opts, records: map[string][]byte{}}
}

// Write replaces the record of id. It fails by a fault only.
func (s *Checkpoints) Write(id string, data []byte) error {
	_, err := attempt(s.opts.Faults, "checkpoint.Write", id, func() (struct{}, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.records[id] = bytes.Clone(data)
		s.stored(id, data)
		return struct{}{}, nil
	})
	if err != nil {
		return fmt.Errorf("write checkpoint of %s: %w", id, err)
	}
	return nil
}

// Read returns the record of id, or an error of class errdefs.ErrNotFound.
func (s *Checkpoints) Read(id string) ([]byte, error) {
	data, err := attempt(s.opts.Faults, "checkpoint.Read", id, func() ([]byte, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		data, ok := s.records[id]
		if !ok {
			return nil, errdefs.ErrNotFound
		}
		return bytes.Clone(data), nil
	})
	if err != nil {
		return nil, fmt.Errorf("read checkpoint of %s: %w", id, err)
	}
	return data, nil
}

// List returns the ids of all records, sorted.
func (s *Checkpoints) List() ([]string, error) {
	ids, err := attempt(s.opts.Faults, "checkpoint.List", "", func() ([]string, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.Sorted(maps.Keys(s.records)), nil
	})
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	return ids, nil
}

// Remove deletes the record of id, if there is one.
func (s *Checkpoints) Remove(id string) error {
	_, err := attempt(s.opts.Faults, "checkpoint.Remove", id, func() (struct{}, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.records, id)
		sim.Logf("checkpoint of %s removed", id)
		return struct{}{}, nil
	})
	if err != nil {
		return fmt.Errorf("remove checkpoint of %s: %w", id, err)
	}
	return nil
}

// checkpoint is the stored form of a status: version v1 of containerd's
// internal/cri/store/container/status.go, whose fields are those of model.Status.
type checkpoint struct {
	Version    string
	Pid        uint32
	CreatedAt  int64
	StartedAt  int64
	FinishedAt int64
	ExitCode   int32
	Reason     string
	Message    string
}

// stored reports a durable record to the history. One that is no status of
// version v1 is not part of it; the report says so. The lock is held.
func (s *Checkpoints) stored(id string, data []byte) {
	var r checkpoint
	if err := json.Unmarshal(data, &r); err != nil || r.Version != "v1" {
		sim.Logf("checkpoint of %s holds no status of version v1", id)
		return
	}
	status := model.Status{
		Pid: r.Pid, CreatedAt: r.CreatedAt, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
		ExitCode: r.ExitCode, Reason: r.Reason, Message: r.Message,
	}
	sim.Logf("checkpoint of %s stores %v", id, status)
	s.opts.record(model.Event{Kind: model.Stored, Container: id, At: time.Now().UnixNano(), Status: status})
}
