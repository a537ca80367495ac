package fakes

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/containerd/errdefs"

	"github.com/startrace/startrace/sim"
)

// pipe is a stream of a process, from the fake, which writes, to its reader.
// Everything is guarded by the lock of the Containerd.
type pipe struct {
	c       *Containerd
	data    []byte
	ended   bool          // nobody will write any more
	closed  bool          // by the reader
	changed chan struct{} // closed and replaced whenever one of them changes
}

// OpenStream opens the end at which a stream is read that a task or an exec
// process is told to have at path, in the way of a named pipe: it may be opened
// before there is a process. It ends when the process does, or with HoldStreams
// later. Close ends a Read, which then fails with os.ErrClosed.
func (c *Containerd) OpenStream(_ context.Context, path string) (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.pipes[path]; p != nil && !p.closed {
		return nil, fmt.Errorf("stream %s is open: %w", path, errdefs.ErrAlreadyExists)
	}
	p := &pipe{c: c, changed: make(chan struct{})}
	if c.pipes == nil {
		c.pipes = map[string]*pipe{}
	}
	c.pipes[path] = p
	return p, nil
}

// Print makes a process of container id write text to its stdout: its init
// process, or the exec process of that id. It reports whether there was somebody
// to write and somebody to read.
func (c *Containerd) Print(id, exec, text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tasks[key{Namespace, id}]
	if t == nil {
		return false
	}
	writer := &t.process
	if exec != "" {
		writer = t.execed(exec)
	}
	if writer == nil || !writer.started || writer.ended && !c.held[id] {
		return false
	}
	p := c.pipes[writer.stdout]
	if p == nil || p.closed {
		return false
	}
	p.data = append(p.data, text...)
	p.notify()
	return true
}

// HoldStreams keeps the streams of a container open beyond the end of its
// processes from now on, as a process does that was left behind.
func (c *Containerd) HoldStreams(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = map[string]bool{}
	}
	c.held[id] = true
}

// OpenStreams returns how many streams are being read.
func (c *Containerd) OpenStreams() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, p := range c.pipes {
		if !p.closed {
			n++
		}
	}
	return n
}

// endStreams ends the streams of a process that has; the lock is held.
func (c *Containerd) endStreams(ended *process) {
	if len(c.pipes) == 0 || c.held[ended.task.id] {
		return
	}
	for _, path := range []string{ended.stdout, ended.stderr} {
		if p := c.pipes[path]; p != nil {
			p.ended = true
			p.notify()
		}
	}
	sim.Logf("the streams of %s end", ended.task.id)
}

// notify wakes the reader; the lock is held.
func (p *pipe) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Read waits for what the process writes.
func (p *pipe) Read(b []byte) (int, error) {
	for {
		p.c.mu.Lock()
		changed := p.changed
		n := copy(b, p.data)
		p.data = p.data[n:]
		ended, closed := p.ended, p.closed
		p.c.mu.Unlock()
		switch {
		case closed:
			return 0, os.ErrClosed
		case n > 0:
			return n, nil
		case ended:
			return 0, io.EOF
		}
		<-changed
	}
}

// Close ends a Read that waits.
func (p *pipe) Close() error {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	if !p.closed {
		p.closed = true
		p.notify()
	}
	return nil
}
