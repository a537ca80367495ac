package fakes

import (
	"bytes"
	"context"
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
//
// With a plan, Write passes the steps of such a replacement as points with
// faults of their own: "disk.create", "disk.write", "disk.fsync", "disk.rename"
// and "disk.dirsync", and Crash loses what was not synced.
type Checkpoints struct {
	opts Options
	wire wire
	*directory
	ctx context.Context // of all calls
}

// directory is what outlives everybody.
type directory struct {
	mu      sync.Mutex
	records map[string][]byte
	synced  map[string][]byte // what a crash leaves, of the records for which it is another; nil: no record
	full    time.Time         // until then there is no space
}

// NewCheckpoints returns an empty store; of opts it uses Record, Faults and Hooks.
func NewCheckpoints(opts Options) *Checkpoints {
	return &Checkpoints{
		opts: opts, wire: wire{faults: opts.Faults, hooks: opts.Hooks},
		directory: &directory{records: map[string][]byte{}, synced: map[string][]byte{}},
		ctx:       context.Background(),
	}
}

// For returns the same directory as caller sees it: what a process does to it
// that was killed is without effect.
func (s *Checkpoints) For(caller *Caller) *Checkpoints {
	other := *s
	other.ctx = WithCaller(s.ctx, caller)
	return &other
}

// Write replaces the record of id. It fails by a fault only.
func (s *Checkpoints) Write(id string, data []byte) error {
	_, err := attempt(s.ctx, &s.wire, "checkpoint.Write", id, func() (struct{}, error) {
		data := bytes.Clone(data)
		if s.opts.Faults.planned() {
			return struct{}{}, s.replace(id, data)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.records[id] = data
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
	data, err := attempt(s.ctx, &s.wire, "checkpoint.Read", id, func() ([]byte, error) {
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
	ids, err := attempt(s.ctx, &s.wire, "checkpoint.List", "", func() ([]string, error) {
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
	_, err := attempt(s.ctx, &s.wire, "checkpoint.Remove", id, func() (struct{}, error) {
		if s.opts.Faults.planned() {
			return struct{}{}, s.unlink(id)
		}
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
