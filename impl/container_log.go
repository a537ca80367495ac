package impl

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// maxLogLine is the number of bytes after which a line of a log is cut, that of
// containerd's default configuration.
const maxLogLine = 16 * 1024

// logPath is where the log of the container goes, "" if it has none.
func (m *metadata) logPath() string {
	dir, name := m.SandboxConfig.GetLogDirectory(), m.Config.GetLogPath()
	if dir == "" || name == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

// output is the log of a container and the streams that fill it.
type output struct {
	log     *criLog
	streams *streams
}

// openOutput opens the log of c, which is appended to, and the streams that fill
// it, and returns what makes a task use them. A container without a log has no
// streams.
func (s *Service) openOutput(c *container) (cio.Creator, error) {
	path := c.logPath()
	if path == "" {
		return cio.NullIO, nil
	}
	if s.config.StreamDir == "" {
		return nil, errNoStreams
	}
	l, err := openLog(path)
	if err != nil {
		return nil, err
	}
	stdout, stderr := l.stream(runtime.Stdout, maxLogLine), l.stream(runtime.Stderr, maxLogLine)
	st, err := s.openStreams(c, initProcess, stdout, stderr, func() {
		stdout.flush()
		stderr.flush()
		l.close()
	})
	if err != nil {
		l.close()
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.output = &output{log: l, streams: st}
	return st.creator, nil
}

var errNoStreams = fmt.Errorf("a log needs a directory for streams: %w", errdefs.ErrInvalidArgument)

// getOutput returns the output of a container that was started and has a log,
// else nil.
func (c *container) getOutput() *output {
	if c.logPath() == "" {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.output
}

// closeOutput ends the output of a container whose start failed.
func (c *container) closeOutput() {
	if out := c.getOutput(); out != nil {
		out.streams.close()
	}
}

// criLog is a log file in the format of the CRI: each line has its time, stream,
// tag and text. It follows internal/cri/io/logger.go.
type criLog struct {
	path string

	mu   sync.Mutex // held while a line is written, so that lines stay whole
	file *os.File   // nil after close
}

func openLog(path string) (*criLog, error) {
	file, err := openLogFile(path)
	if err != nil {
		return nil, err
	}
	return &criLog{path: path, file: file}, nil
}

func openLogFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("failed to open log: %w", err)
	}
	return file, nil
}

// reopen makes the lines from now on go to a new file of the same path. After an
// error they go where they went before.
func (l *criLog) reopen() error {
	file, err := openLogFile(l.path)
	if err != nil {
		return err
	}
	l.mu.Lock()
	old := l.file
	if old != nil {
		l.file = file
	}
	l.mu.Unlock()
	if old == nil {
		// The streams have ended. Whoever rotates logs expects a file nevertheless.
		old = file
	}
	return old.Close()
}

func (l *criLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		if err := l.file.Close(); err != nil {
			log.L.WithError(err).Errorf("Failed to close log %q", l.path)
		}
		l.file = nil
	}
}

// write appends a line. One that fails is lost as a whole: the output of a
// container is read on in any case, or its process would wait for the disk.
func (l *criLog) write(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return
	}
	n, err := l.file.Write(line)
	if err == nil {
		return
	}
	log.L.WithError(err).Errorf("Failed to write to log %q", l.path)
	if info, err := l.file.Stat(); err == nil && n > 0 {
		_ = l.file.Truncate(info.Size() - int64(n)) // else the next line starts in this one
	}
}

// stream returns the writer of one stream of l; lines get max bytes at most.
func (l *criLog) stream(name runtime.LogStreamType, maxLine int) *logStream {
	return &logStream{log: l, name: name, maxLine: maxLine}
}

// logStream writes one stream to a log. It is not safe for concurrent use.
type logStream struct {
	log     *criLog
	name    runtime.LogStreamType
	maxLine int
	pending []byte // what came of a line without its end
	line    bytes.Buffer
}

// Write never fails.
func (w *logStream) Write(p []byte) (int, error) {
	w.pending = append(w.pending, p...)
	rest := w.pending
	for {
		end := bytes.IndexByte(rest, '\n')
		switch {
		case end < 0 && len(rest) <= w.maxLine:
			w.pending = append(w.pending[:0], rest...)
			return len(p), nil
		case end < 0 || end > w.maxLine:
			w.write(runtime.LogTagPartial, rest[:w.maxLine])
			rest = rest[w.maxLine:]
		default:
			w.write(runtime.LogTagFull, bytes.TrimSuffix(rest[:end], []byte("\r")))
			rest = rest[end+1:]
		}
	}
}

// flush writes what is left at the end of the stream, a line without an end.
func (w *logStream) flush() {
	if len(w.pending) > 0 {
		w.write(runtime.LogTagPartial, w.pending)
		w.pending = nil
	}
}

func (w *logStream) write(tag runtime.LogTag, text []byte) {
	w.line.Reset()
	fmt.Fprintf(&w.line, "%s %s %s ", time.Now().UTC().Format(time.RFC3339Nano), w.name, tag)
	w.line.Write(text)
	w.line.WriteByte('\n')
	w.log.write(w.line.Bytes())
}
