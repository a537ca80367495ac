package sim

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/startrace/startrace/sim/internal/ctl"
)

// T is the testing.TB of one execution: a failure reported through it is a
// failure of the execution, which is then shrunk and printed. It can be handed
// to assertion libraries. Its methods are safe for concurrent use; FailNow and
// what calls it end the calling goroutine.
type T struct {
	testing.TB // of the test that explores; nil in a program

	name string

	mu       sync.Mutex
	failed   bool
	skipped  bool
	id       string // of the violated invariant
	site     string // where the first failure was reported
	messages []string
	cleanups []func()
	ctx      context.Context
	cancel   context.CancelFunc
}

// reset makes t as good as new.
func (t *T) reset(tb testing.TB, name string) {
	t.TB, t.name = tb, name
	t.failed, t.skipped, t.id, t.site = false, false, "", ""
	t.messages, t.cleanups = nil, nil
	t.ctx, t.cancel = nil, nil
}

// main is the first goroutine of the execution.
func (t *T) main(body func(*T)) {
	defer t.cleanup()
	body(t)
}

func (t *T) cleanup() {
	if t.cancel != nil {
		t.cancel()
	}
	for {
		var f func()
		t.locked(func() {
			if n := len(t.cleanups); n > 0 {
				f = t.cleanups[n-1]
				t.cleanups = t.cleanups[:n-1]
			}
		})
		if f == nil {
			return
		}
		f()
	}
}

func (t *T) add(failed bool, id, text string) {
	text = strings.TrimRight(text, "\n")
	if ctl.Logging() {
		first, _, _ := strings.Cut(text, "\n")
		note("%s", first)
	}
	site := ""
	if failed {
		site = caller()
	}
	t.locked(func() {
		t.messages = append(t.messages, text)
		if failed && !t.failed {
			t.failed, t.id, t.site = true, id, site
		}
	})
}

// locked calls f under the mutex, which is no scheduling point.
func (t *T) locked(f func()) {
	Quietly(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		f()
	})
}

// caller is the first frame outside of this package and of testify.
func caller() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, simPackage+".(*T).") && !strings.Contains(f.Function, "/testify/") {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}

// Violatef reports that the invariant with the given id, as "I3", is violated.
// Failures with the same id are the same failure to the shrinker.
func (t *T) Violatef(id, format string, args ...any) {
	t.add(true, id, fmt.Sprintf(format, args...))
}

// Error is Log and Fail.
func (t *T) Error(args ...any) { t.add(true, "", fmt.Sprintln(args...)) }

// Errorf is Logf and Fail.
func (t *T) Errorf(format string, args ...any) { t.add(true, "", fmt.Sprintf(format, args...)) }

// Fatal is Log and FailNow.
func (t *T) Fatal(args ...any) {
	t.add(true, "", fmt.Sprintln(args...))
	runtime.Goexit()
}

// Fatalf is Logf and FailNow.
func (t *T) Fatalf(format string, args ...any) {
	t.add(true, "", fmt.Sprintf(format, args...))
	runtime.Goexit()
}

// Fail marks the execution as failed.
func (t *T) Fail() { t.add(true, "", "failed") }

// FailNow marks the execution as failed and ends the calling goroutine.
func (t *T) FailNow() {
	if !t.Failed() {
		t.add(true, "", "failed")
	}
	runtime.Goexit()
}

// Failed tells whether the execution has failed.
func (t *T) Failed() (failed bool) {
	t.locked(func() { failed = t.failed })
	return failed
}

// Log adds a line that is shown if the execution fails.
func (t *T) Log(args ...any) { t.add(false, "", fmt.Sprintln(args...)) }

// Logf adds a line that is shown if the execution fails.
func (t *T) Logf(format string, args ...any) { t.add(false, "", fmt.Sprintf(format, args...)) }

// Skip ends an execution that has nothing to test.
func (t *T) Skip(args ...any) { t.skip(fmt.Sprintln(args...)) }

// Skipf ends an execution that has nothing to test.
func (t *T) Skipf(format string, args ...any) { t.skip(fmt.Sprintf(format, args...)) }

// SkipNow ends an execution that has nothing to test.
func (t *T) SkipNow() { t.skip("skipped") }

func (t *T) skip(text string) {
	t.add(false, "", text)
	t.locked(func() { t.skipped = true })
	runtime.Goexit()
}

// Skipped tells whether the execution was skipped.
func (t *T) Skipped() (skipped bool) {
	t.locked(func() { skipped = t.skipped })
	return skipped
}

// Helper does nothing: reports show whole stacks.
func (t *T) Helper() {}

// Name is the name of the test that explores.
func (t *T) Name() string { return t.name }

// Cleanup calls f at the end of the execution, still under control. The
// functions run in reverse order.
func (t *T) Cleanup(f func()) {
	t.locked(func() { t.cleanups = append(t.cleanups, f) })
}

// Context returns a context that is canceled before the cleanups run.
func (t *T) Context() context.Context {
	t.locked(func() {
		if t.ctx == nil {
			t.ctx, t.cancel = context.WithCancel(context.Background())
		}
	})
	return t.ctx
}

// Setenv panics: the environment belongs to the process, not to an execution.
func (t *T) Setenv(string, string) { panic("sim: Setenv can't be undone for one execution") }

// Chdir panics: the directory belongs to the process, not to an execution.
func (t *T) Chdir(string) { panic("sim: Chdir can't be undone for one execution") }
