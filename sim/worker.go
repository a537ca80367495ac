package sim

import (
	"encoding/gob"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// workerVariable makes a process the worker of the search that it names.
const workerVariable = "STARTRACE_WORKER"

// The file descriptors of a worker.
const (
	workerJobs    = 3 + iota // gob: a setup, then jobs
	workerResults            // gob: a hello, then results
	workerPage               // a shared page: the number of the execution that runs
)

// call is a call of Search: the n-th one with a name in this process.
type call struct {
	Name string
	Nth  int
}

// setup is what a worker has to know beside the options.
type setup struct {
	Base      base
	MaxPoints int
	Raised    bool
}

// hello says that a worker is ready.
type hello struct{ First uint64 } // hash of execution 0

// job is a stretch of executions.
type job struct{ From, To int }

// result is what a job came to.
type result struct {
	Job     job
	Counted batch
	Stop    int  // the execution that failed or differed, which is not counted; -1 for none
	Bye     bool // the worker ends
}

// Workers are replaced after so many executions, or when the heap has grown by
// so many bytes.
const (
	recycleExecutions = 1 << 20
	recycleBytes      = 256 << 20

	workerGC = 800 // per cent
)

var (
	calls = struct {
		sync.Mutex
		n map[string]int
	}{n: map[string]int{}}

	// worksFor is the search that this process is a worker of, if it is one.
	worksFor = sync.OnceValue(func() *call {
		text := os.Getenv(workerVariable)
		_ = os.Unsetenv(workerVariable) // not for what the program starts
		c := &call{}
		if text == "" || json.Unmarshal([]byte(text), c) != nil {
			return nil
		}
		signal.Ignore(os.Interrupt, syscall.SIGTERM) // the other process says when it is over
		return c
	})
)

// nextCall counts the calls of Search.
func nextCall(name string) call {
	calls.Lock()
	defer calls.Unlock()
	calls.n[name]++
	return call{name, calls.n[name]}
}

// leaveWithin is how long the tests of a worker may take to clean up.
const leaveWithin = time.Second

// leave ends a worker: its test as one that was skipped, so that what it made is
// cleaned up, and the process in any case. It is not deferred: a panic is to be seen.
func (e *explorer) leave() {
	if e.runner.tb != nil {
		time.AfterFunc(leaveWithin, func() { os.Exit(0) })
		e.runner.tb.SkipNow()
	}
	os.Exit(0)
}

// work runs executions for another process, until that wants no more.
func (e *explorer) work() {
	jobs, results := os.NewFile(workerJobs, "jobs"), os.NewFile(workerResults, "results")
	in, out := gob.NewDecoder(jobs), gob.NewEncoder(results)
	at, err := sharedNumber(os.NewFile(workerPage, "page"))
	var s setup
	if err != nil || in.Decode(&s) != nil {
		return
	}
	e.lists = true
	debug.SetGCPercent(workerGC) // there is less to keep than where the results are
	_, decisions := warmUp(e.opts.Config, e.once)
	e.runner.longest, e.runner.profile = uint64(decisions), nil
	e.base, e.opts.Config.MaxPoints, e.raised = s.Base, s.MaxPoints, s.Raised
	if out.Encode(hello{e.execute(0).Hash()}) != nil { // the execution also gives the uniform strategies their profile
		return
	}
	next, over := make(chan job), make(chan struct{})
	go func() {
		defer close(next)
		defer time.AfterFunc(leaveWithin, func() { os.Exit(0) }) // whatever is going on
		defer close(over)
		for {
			var j job
			if in.Decode(&j) != nil {
				return // nobody wants more
			}
			next <- j
		}
	}()
	ran, start := 0, heap()
	for j := range next {
		r := e.job(j, at, over)
		ran += j.To - j.From
		r.Bye = ran > e.opts.recycle || heap() > start+recycleBytes
		if out.Encode(r) != nil || r.Bye {
			return
		}
	}
}

// job runs the executions of j until it is over.
func (e *explorer) job(j job, at *atomic.Uint64, over <-chan struct{}) result {
	e.forget()
	r := result{Job: j, Stop: -1}
	for i := j.From; i < j.To; i++ {
		if !e.opts.Shard.has(i) {
			continue
		}
		select {
		case <-over:
			return r // which nobody reads
		default:
		}
		at.Store(uint64(i))
		res := e.execute(i)
		if e.checks(i) {
			res = res.keep()
		}
		if res.Failure != nil || e.checks(i) && !e.check(i, res) {
			r.Stop = i
			break
		}
		e.count(res)
	}
	r.Counted = e.batch()
	return r
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// sharedNumber is the first word of a file of one page.
func sharedNumber(f *os.File) (*atomic.Uint64, error) {
	page, err := syscall.Mmap(int(f.Fd()), 0, os.Getpagesize(), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("can't map a page: %w", err)
	}
	return (*atomic.Uint64)(unsafe.Pointer(&page[0])), nil
}

func unmap(n *atomic.Uint64) {
	_ = syscall.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(n)), os.Getpagesize()))
}
