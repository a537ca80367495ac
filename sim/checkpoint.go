package sim

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"github.com/startrace/startrace/sim/internal/systematic"
)

// Checkpoint is how far explorations came, by their names. A random search and a
// systematic one go on where they were; Feedback, and what Auto does to exhaust a
// small body, begin again and come to the same end. The zero value is empty. It must not be used by several searches at
// a time.
type Checkpoint struct{ searches map[string]saved }

// ErrCheckpoint says that a checkpoint is damaged or belongs to something else.
// Wrapped by errors of ReadCheckpoint and by Report.Err.
var ErrCheckpoint = errors.New("checkpoint")

// checkpointMagic is the first line of a file.
const checkpointMagic = "startrace checkpoint 1\n"

// saved is the state of a search.
type saved struct {
	Is      identity
	Next    int // number of the execution to go on with
	Base    base
	Counted batch
	Plans   []byte // of a systematic search: what it goes on with
	Timers  bool   // of a systematic search: time passed
}

// identity is what has to be the same for a search to go on.
type identity struct {
	Seed      uint64
	Strategy  string
	Shard     string
	Options   string
	SelfCheck int
	First     uint64 // hash of execution 0
}

// ReadCheckpoint reads a file that Write wrote. An error wraps [ErrCheckpoint]
// if it is not one, or is damaged, and fs.ErrNotExist if there is none.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	body, ok := bytes.CutPrefix(data, []byte(checkpointMagic))
	if !ok || len(body) < 4 {
		return nil, fmt.Errorf("%w: %s is not one of this version", ErrCheckpoint, path)
	}
	body, sum := body[:len(body)-4], body[len(body)-4:]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(sum) {
		return nil, fmt.Errorf("%w: %s is damaged", ErrCheckpoint, path)
	}
	c := &Checkpoint{}
	if err := gob.NewDecoder(bytes.NewReader(body)).Decode(&c.searches); err != nil {
		return nil, fmt.Errorf("%w: %s is damaged: %w", ErrCheckpoint, path, err)
	}
	return c, nil
}

// Write writes the checkpoint to a file, in the place of what is there.
func (c *Checkpoint) Write(path string) error {
	var body bytes.Buffer
	if err := gob.NewEncoder(&body).Encode(c.searches); err != nil {
		return fmt.Errorf("write a checkpoint: %w", err)
	}
	data := append([]byte(checkpointMagic), body.Bytes()...)
	data = binary.LittleEndian.AppendUint32(data, crc32.ChecksumIEEE(body.Bytes()))
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write a checkpoint: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write a checkpoint: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// Has tells whether the exploration with this name is in the checkpoint.
func (c *Checkpoint) Has(name string) bool {
	_, ok := c.searches[name]
	return ok
}

// Empty tells whether there is nothing in the checkpoint.
func (c *Checkpoint) Empty() bool { return len(c.searches) == 0 }

func (e *explorer) identity() identity {
	return identity{
		Seed: e.opts.Seed, Strategy: e.opts.Strategy.String(), Shard: e.opts.Shard.String(),
		Options: e.opts.Config.options(), SelfCheck: e.opts.SelfCheck, First: e.execute(0).Hash(),
	}
}

// resume goes on with what the checkpoint has, and reports whether there is
// nothing wrong with it.
func (e *explorer) resume() bool {
	if e.opts.Checkpoint == nil {
		return true
	}
	e.is = e.identity()
	s, ok := e.opts.Checkpoint.searches[e.opts.Name]
	if !ok {
		return true
	}
	if s.Is.First != e.is.First && s.Is.Seed == e.is.Seed && s.Is.Strategy == e.is.Strategy {
		e.report.Err = fmt.Errorf("%w: %s was explored with another program", ErrCheckpoint, e.opts.Name)
		return false
	}
	if s.Is != e.is {
		e.report.Err = fmt.Errorf("%w: %s was explored with other options: seed %d, strategy %s, shard %s, a check every %d",
			ErrCheckpoint, e.opts.Name, s.Is.Seed, s.Is.Strategy, s.Is.Shard, s.Is.SelfCheck)
		return false
	}
	if s.Next > e.next {
		e.forget()
		e.merge(s.Counted)
		e.next, e.base = s.Next, s.Base
	}
	return true
}

// save notes in the checkpoint how far the search has come.
func (e *explorer) save() {
	c := e.opts.Checkpoint
	if c == nil || e.is == (identity{}) {
		return
	}
	if c.searches == nil {
		c.searches = map[string]saved{}
	}
	c.searches[e.opts.Name] = saved{Is: e.is, Next: e.next, Base: e.base, Counted: e.batch()}
}

// resumePlans has a systematic search go on with what the checkpoint has, and
// reports whether there is nothing wrong with it.
func (e *explorer) resumePlans(plans systematic.Searcher) (timers, ok bool) {
	if e.opts.Checkpoint == nil || e.resumed {
		return false, true
	}
	e.resumed = true
	if !e.resume() {
		return false, false
	}
	s := e.opts.Checkpoint.searches[e.opts.Name]
	if e.next == 0 {
		return false, true
	}
	if err := plans.Load(s.Plans); err != nil {
		e.report.Err = fmt.Errorf("%w: %s: %w", ErrCheckpoint, e.opts.Name, err)
		return false, false
	}
	e.unlock, e.planned = e.base.Unlock, e.next
	return s.Timers, true
}

// savePlans notes in the checkpoint how far a systematic search has come.
func (e *explorer) savePlans(plans systematic.Searcher, timers bool) error {
	if e.opts.Checkpoint == nil || e.beside != nil {
		return nil
	}
	data, err := plans.Save()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	e.base, e.next = base{Unlock: e.unlock}, e.planned
	e.save()
	s := e.opts.Checkpoint.searches[e.opts.Name]
	s.Plans, s.Timers = data, timers
	e.opts.Checkpoint.searches[e.opts.Name] = s
	return nil
}
