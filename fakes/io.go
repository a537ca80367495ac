package fakes

import (
	"time"

	"github.com/containerd/containerd/v2/pkg/cio"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/sim"
)

// IO is a cio.Creator, for NewTask and Exec: streams without a byte in them,
// which are drained when the process has ended. With "io/drain" a plan makes
// that take time, or go on until the faults are stopped, as it does when a
// process that was left behind keeps the other end open. Delete of the client
// waits for it, without looking at its context.
func (c *Containerd) IO(id string) (cio.IO, error) { return &streams{c: c, id: id}, nil }

type streams struct {
	c  *Containerd
	id string
}

var _ cio.IO = (*streams)(nil)

// Config returns a configuration without streams.
func (s *streams) Config() cio.Config { return cio.Config{} }

// Cancel does nothing: no stream waits to be opened.
func (s *streams) Cancel() {}

// Close does nothing.
func (s *streams) Close() error { return nil }

// Wait returns when the streams are drained.
func (s *streams) Wait() {
	a := s.c.opts.Faults.evaluate(failpoint.Drain, s.id)
	switch {
	case a == nil:
	case a.Name == "block":
		sim.Logf("the streams of %s do not drain", s.id)
		<-s.c.opts.Faults.calm()
	default:
		d := a.Duration()
		time.Sleep(d)
	}
}
