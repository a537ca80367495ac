package sim

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// process is a worker as its parent sees it.
type process struct {
	cmd         *exec.Cmd
	jobs        *gob.Encoder
	results     *gob.Decoder
	jobsFile    *os.File
	resultsFile *os.File
	at          *atomic.Uint64 // the execution that runs
	stderr      tail
	waited      error
}

// startProcess starts a worker for a search.
func startProcess(e *explorer) (p *process, err error) {
	var opened []*os.File
	defer func() {
		for i, f := range opened {
			if err != nil || i < 3 { // those of the worker
				_ = f.Close()
			}
		}
	}()
	jobs, toWorker, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	fromWorker, results, err := os.Pipe()
	if err != nil {
		opened = []*os.File{jobs, toWorker}
		return nil, err
	}
	page, at, err := newPage()
	if err != nil {
		opened = []*os.File{jobs, toWorker, fromWorker, results}
		return nil, err
	}
	opened = []*os.File{jobs, results, page, toWorker, fromWorker}
	name, err := json.Marshal(e.call)
	if err != nil {
		return nil, err
	}
	p = &process{
		cmd:  &exec.Cmd{Path: "/proc/self/exe", Args: append([]string{os.Args[0]}, e.workerArgs()...), ExtraFiles: opened[:3]},
		jobs: gob.NewEncoder(toWorker), results: gob.NewDecoder(fromWorker), jobsFile: toWorker, resultsFile: fromWorker, at: at,
	}
	p.cmd.Env = append(os.Environ(), workerVariable+"="+string(name))
	p.cmd.Stderr = &p.stderr
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	// It may have ended already, which shows when it does not say hello.
	_ = p.jobs.Encode(setup{Base: e.base, MaxPoints: e.opts.Config.MaxPoints, Raised: e.raised})
	return p, nil
}

// newPage returns a file that is shared with a worker, and its content.
func newPage() (*os.File, *atomic.Uint64, error) {
	f, err := os.CreateTemp("", "startrace-worker-")
	if err != nil {
		return nil, nil, err
	}
	_ = os.Remove(f.Name())
	if err := f.Truncate(int64(os.Getpagesize())); err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	at, err := sharedNumber(f)
	if err != nil {
		_ = f.Close()
	}
	return f, at, err
}

// workerArgs are the arguments with which this program comes to the search.
func (e *explorer) workerArgs() []string {
	if e.runner.tb == nil {
		return os.Args[1:]
	}
	var parts []string
	for part := range strings.SplitSeq(e.runner.tb.Name(), "/") {
		parts = append(parts, "^"+regexp.QuoteMeta(part)+"$")
	}
	test := strings.Join(parts, "/")
	args := []string{"-test.run=" + test}
	if _, ok := e.runner.tb.(*testing.B); ok {
		args = []string{"-test.run=^$", "-test.bench=" + test, "-test.benchtime=1000000x"}
	}
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "test.short" || f.Name == "test.count" || !strings.HasPrefix(f.Name, "test.") {
			args = append(args, fmt.Sprintf("-%s=%s", f.Name, f.Value))
		}
	})
	return append(args, flag.Args()...)
}

// end waits for the end of a worker whose jobs are over.
func (p *process) end() {
	_ = p.jobsFile.Close()
	_ = p.resultsFile.Close()
	p.wait()
	unmap(p.at)
}

func (p *process) wait() {
	if p.cmd.ProcessState == nil {
		p.waited = p.cmd.Wait()
	}
}

// died says how and where a worker ended that had something to do.
func (p *process) died() error {
	_ = p.jobsFile.Close()
	p.wait()
	return fmt.Errorf("%w in execution %d: %v\n%s", ErrWorker, p.at.Load(), p.cmd.ProcessState, bytes.TrimSpace(p.stderr.text))
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

const tailLength = 16 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	if n := len(t.text); n > 2*tailLength {
		t.text = append(t.text[:0], t.text[n-tailLength:]...)
	}
	return len(b), nil
}
