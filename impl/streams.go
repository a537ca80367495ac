package impl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/fifo"
	"github.com/containerd/log"
)

// drainTimeout is how long streams are waited for after the process has ended:
// one that it left behind may keep them open for ever (containerd#2744).
const drainTimeout = 2 * time.Second

// initProcess names the streams of the init process, as an exec id does those
// of an exec process.
const initProcess = "init"

// streams are the ends at which stdout and stderr of a process are read. They
// are what the client gets for its IO; it waits for them only after Cancel.
type streams struct {
	config  cio.Config
	readers []io.Closer
	drained chan struct{} // closed when all is copied and nobody reads any more

	once sync.Once
}

var _ cio.IO = (*streams)(nil)

// streamDir is where the streams of c and of what is executed in it are.
func (s *Service) streamDir(c *container) string { return filepath.Join(s.config.StreamDir, c.ID) }

// openStreams opens the streams of a process of c and copies what comes from
// them to stdout and stderr, whose Write is never called by two at a time, until
// both end or are closed; then it calls finish. The end of the service closes
// them too, but leaves the pipes for the next one.
func (s *Service) openStreams(c *container, process string, stdout, stderr io.Writer, finish func()) (*streams, error) {
	dir := filepath.Join(s.streamDir(c), process)
	st := &streams{
		config:  cio.Config{Stdout: filepath.Join(dir, "stdout"), Stderr: filepath.Join(dir, "stderr")},
		drained: make(chan struct{}),
	}
	out, err := s.openStream(st.config.Stdout)
	if err != nil {
		return nil, fmt.Errorf("failed to open stdout: %w", err)
	}
	errs, err := s.openStream(st.config.Stderr)
	if err != nil {
		out.Close()
		return nil, fmt.Errorf("failed to open stderr: %w", err)
	}
	st.readers = []io.Closer{out, errs}

	if !s.background(func(ctx context.Context) {
		defer close(st.drained)
		copied := make(chan struct{})
		go func() {
			defer close(copied)
			defer finish()
			var copies sync.WaitGroup
			copies.Go(func() { pump(ctx, stdout, out) })
			copies.Go(func() { pump(ctx, stderr, errs) })
			copies.Wait()
		}()
		select {
		case <-copied:
			// Nobody will open these pipes again, whose writer is gone.
			if err := os.RemoveAll(dir); err != nil {
				log.G(ctx).WithError(err).Warnf("Failed to remove streams of container %q", c.ID)
			}
			st.close()
		case <-ctx.Done():
			st.close()
			<-copied
		}
	}) {
		st.close()
		return nil, errClosed
	}
	return st, nil
}

// pump copies from a stream until it ends or is closed.
func pump(ctx context.Context, to io.Writer, from io.Reader) {
	_, err := io.Copy(to, from)
	if err != nil && !errors.Is(err, os.ErrClosed) && !errors.Is(err, fifo.ErrReadClosed) {
		log.G(ctx).WithError(err).Warn("Failed to read from a stream")
	}
}

func (s *Service) openStream(path string) (io.ReadCloser, error) {
	if s.config.OpenStream != nil {
		return s.config.OpenStream(s.ctx, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// Only close ends the wait for the writer: it must not be closed twice at a time.
	return fifo.OpenFifo(context.WithoutCancel(s.ctx), path, syscall.O_RDONLY|syscall.O_CREAT|syscall.O_NONBLOCK, 0o600)
}

// creator hands st to the client.
func (st *streams) creator(string) (cio.IO, error) { return st, nil }

func (st *streams) Config() cio.Config { return st.config }

// Cancel closes the streams, so that Wait returns.
func (st *streams) Cancel() { st.close() }

func (st *streams) Wait() { <-st.drained }

func (st *streams) Close() error {
	st.close()
	return nil
}

// close ends the copying; what was not read yet is lost.
func (st *streams) close() {
	st.once.Do(func() {
		for _, r := range st.readers {
			r.Close()
		}
	})
}

// drain waits until streams whose process has ended are empty, for a while.
func (s *Service) drain(ctx context.Context, st *streams) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if err := s.wait(ctx, st.drained); err != nil {
		log.G(ctx).WithError(err).Warn("Streams are still open after the end of their process")
	}
}

// removeStreams ends the output of a container without a task and deletes its
// pipes.
func (s *Service) removeStreams(ctx context.Context, c *container) error {
	if s.config.StreamDir == "" {
		return nil
	}
	if out := c.getOutput(); out != nil {
		s.drain(ctx, out.streams)
		out.streams.close()
	}
	if err := os.RemoveAll(s.streamDir(c)); err != nil {
		return fmt.Errorf("failed to remove streams: %w", err)
	}
	return nil
}
