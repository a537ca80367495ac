package fakes

import (
	"context"
	"maps"
	"slices"
	"syscall"
	"time"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/sim"
)

// replace replaces a record step by step, as continuity.AtomicWriteFile and a
// sync of the directory do.
func (s *Checkpoints) replace(id string, data []byte) error {
	safe := data // what a crash leaves of the data
	for _, name := range []string{failpoint.Create, failpoint.Write, failpoint.Fsync} {
		how, err := s.step(name, id)
		if err != nil {
			return err
		}
		switch how {
		case "torn":
			safe = data[:len(data)/2]
		case "lie":
			safe = data[:0]
		}
	}
	if _, err := s.step(failpoint.Rename, id); err != nil {
		return err
	}
	s.mu.Lock()
	if _, ok := s.synced[id]; !ok {
		s.synced[id] = s.records[id]
	}
	s.records[id] = data
	s.stored(id, data)
	s.mu.Unlock()
	how, err := s.step(failpoint.Dirsync, id)
	if err != nil || how == "lie" {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(safe) < len(data) {
		s.synced[id] = safe
	} else {
		delete(s.synced, id)
	}
	return nil
}

// unlink removes a record, which is there again after a crash if the directory
// was not synced.
func (s *Checkpoints) unlink(id string) error {
	s.mu.Lock()
	if old, ok := s.records[id]; ok {
		if _, ok := s.synced[id]; !ok {
			s.synced[id] = old
		}
		delete(s.records, id)
	}
	s.mu.Unlock()
	sim.Logf("checkpoint of %s removed", id)
	how, err := s.step(failpoint.Dirsync, id)
	if err != nil || how == "lie" {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.synced, id)
	return nil
}

// step passes a step and returns what a plan makes of it: an error, or in which
// way it only pretends to succeed.
func (s *Checkpoints) step(name, id string) (how string, err error) {
	point(name, id)
	a := s.opts.Faults.evaluate(name, id)
	if a != nil {
		switch a.Name {
		case "error":
			return "", a.Err()
		case "panic":
			panic("fakes: planned panic at " + name + ": " + a.Arg)
		case "delay":
			d := a.Duration()
			time.Sleep(d)
		case "block":
			if err := (*session)(nil).block(context.Background(), s.opts.Faults); err != nil {
				return "", err
			}
		case "full":
			d := a.Duration()
			s.Fill(d)
		default:
			how = a.Name
		}
	}
	if name == failpoint.Create || name == failpoint.Write {
		s.mu.Lock()
		defer s.mu.Unlock()
		if time.Now().Before(s.full) {
			return "", syscall.ENOSPC
		}
	}
	return how, nil
}

// Fill makes the disk have no space for d: new files cannot be made or written.
// It has an effect with a plan only, be it an empty rule such as "disk.write=off".
func (s *Checkpoints) Fill(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = time.Now().Add(d)
}

// Crash takes the power away: records that were not synced are as they were
// before, or torn, or, if Faults.Choose says so, as if they had been synced.
// The service that used them is to be ended before.
func (s *Checkpoints) Crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.synced)) {
		old := s.synced[id]
		delete(s.synced, id)
		if s.opts.Faults.draw("checkpoint of "+id+" survives", 2) == 1 {
			continue
		}
		if old == nil {
			delete(s.records, id)
			sim.Logf("checkpoint of %s is gone", id)
			continue
		}
		s.records[id] = old
		s.stored(id, old)
	}
}
