package sim

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"
)

// ErrWorker says that a worker process ended in the middle of an execution.
// Wrapped by Report.Err.
var ErrWorker = errors.New("a worker process ended")

const (
	workersAfter = time.Second // that a search runs alone
	jobTime      = 50 * time.Millisecond
	firstJob     = 64
	longestJob   = 1 << 14
)

// pool is the worker processes of a search.
type pool struct {
	e      *explorer
	first  uint64 // hash of execution 0
	alive  int
	wg     sync.WaitGroup
	quit   chan struct{}
	ready  chan *worker // said hello
	failed chan struct{}
	done   chan finished
	stdins []*os.File
}

// worker is a process that runs executions.
type worker struct {
	*process
	todo chan job
	size int // of its next job
}

// finished is a job that a worker did, or died of.
type finished struct {
	w   *worker
	r   result
	err error
}

// worthwhile tells whether to start workers now.
func (e *explorer) worthwhile() bool {
	if e.opts.Workers < 2 || e.next < settled || e.runner.tb == nil && testing.Testing() {
		return false
	}
	patience := e.opts.patience
	if patience == 0 {
		patience = workersAfter
	}
	took := time.Since(e.began)
	rest := float64(e.opts.Executions-e.planned-e.next) / float64(e.next-e.beganAt+1)
	return took > patience && time.Duration(rest*float64(took)) > 2*patience
}

// share lets workers run executions until the search is over, or one of them
// has met an execution that this process has to look at: then that is the next
// one. It reports whether the search goes on.
func (e *explorer) share() bool {
	p := &pool{
		e: e, first: e.execute(0).Hash(), quit: make(chan struct{}),
		ready: make(chan *worker), failed: make(chan struct{}), done: make(chan finished),
	}
	defer p.close()
	for range e.opts.Workers {
		p.start()
	}
	for progress := time.Now(); e.more() && !e.over() && p.alive > 0; e.progress(&progress) {
		select {
		case w := <-p.ready:
			return p.run(w)
		case <-p.failed:
			p.alive--
			continue
		default:
		}
		if !e.step() {
			return false
		}
	}
	e.opts.Workers = 1 // what comes before the search can't be done twice, say
	return true
}

// run hands out executions and merges what they came to, in order.
func (p *pool) run(w *worker) bool {
	e := p.e
	e.report.Workers = 1
	idle := []*worker{w}
	pending := map[int]result{}
	next, end, busy := e.next, e.opts.Executions-e.planned, 0
	var died error // at end
	progress := time.Now()
	for {
		over := e.over()
		for len(idle) > 0 && next < end && !over {
			w := idle[0]
			idle = idle[1:]
			j := job{next, min(next+w.size, end)}
			next = j.To
			busy++
			w.todo <- j
		}
		if busy == 0 && (next >= end || over || p.alive == 0) {
			break
		}
		select {
		case w := <-p.ready:
			idle = append(idle, w)
			e.report.Workers = max(e.report.Workers, p.alive)
		case <-p.failed:
			p.alive--
		case f := <-p.done:
			busy--
			switch {
			case f.err != nil:
				p.alive--
				if f.r.Job.From < end {
					end, died = f.r.Job.From, f.err
				}
				continue
			case f.r.Bye:
				p.alive--
				p.start()
			default:
				idle = append(idle, f.w)
			}
			pending[f.r.Job.From] = f.r
			if f.r.Stop >= 0 && f.r.Stop < end {
				end, died = f.r.Stop, nil
			}
		}
		for r, ok := pending[e.next]; ok; r, ok = pending[e.next] {
			delete(pending, e.next)
			e.merge(r.Counted)
			e.next = r.Job.To
			if r.Stop >= 0 {
				e.next, e.suspect = r.Stop, r.Stop+1
				return true
			}
		}
		e.progress(&progress)
	}
	if died != nil && !e.report.Interrupted {
		e.report.Err = died
		return false
	}
	if p.alive == 0 {
		e.opts.Workers = 1
	}
	return true
}

// start starts a worker.
func (p *pool) start() {
	pr, err := startProcess(p.e)
	if err != nil {
		return
	}
	p.alive++
	p.stdins = append(p.stdins, pr.jobsFile)
	p.wg.Go(func() {
		p.serve(&worker{process: pr, todo: make(chan job), size: firstJob})
		pr.end()
	})
}

// serve hands jobs to a worker.
func (p *pool) serve(w *worker) {
	var h hello
	err := w.results.Decode(&h)
	if err != nil || h.First != p.first {
		select {
		case p.failed <- struct{}{}:
		case <-p.quit:
		}
		return
	}
	select {
	case p.ready <- w:
	case <-p.quit:
		return
	}
	for {
		var f finished
		select {
		case j := <-w.todo:
			f = w.do(j)
		case <-p.quit:
			return
		}
		select {
		case p.done <- f:
		case <-p.quit:
			return
		}
		if f.err != nil || f.r.Bye {
			return
		}
	}
}

// do lets the worker do a job.
func (w *worker) do(j job) finished {
	start := time.Now()
	f := finished{w: w}
	err := w.jobs.Encode(j)
	if err == nil {
		err = w.results.Decode(&f.r)
	}
	if err != nil {
		f.r.Job = j
		f.err = w.died()
	}
	faster := float64(jobTime) / float64(time.Since(start)+1)
	w.size = min(max(1, int(float64(w.size)*min(max(faster, 0.5), 2))), longestJob)
	return f
}

// close ends all workers.
func (p *pool) close() {
	close(p.quit)
	for _, f := range p.stdins {
		_ = f.Close()
	}
	p.wg.Wait()
}
