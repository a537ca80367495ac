package simshim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	eventsapi "github.com/containerd/containerd/api/events"
	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/internal/simshim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// published records events in the form "exit id 7". If gate is not nil, each waits
// for one value from it.
type published struct {
	gate chan struct{}

	mu   sync.Mutex
	list []string
}

func (p *published) Publish(ctx context.Context, topic string, event events.Event) error {
	if p.gate != nil {
		<-p.gate
	}
	ns, err := namespaces.NamespaceRequired(ctx)
	if err != nil || ns != "ns" {
		return fmt.Errorf("namespace %q: %w", ns, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *eventsapi.TaskExit:
		p.list = append(p.list, fmt.Sprintf("exit %s %d", e.ID, e.ExitStatus))
	default:
		p.list = append(p.list, filepath.Base(topic))
	}
	return nil
}

func (p *published) events() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.list...)
}

// fixture is a service with a container "c".
type fixture struct {
	*simshim.Service
	published *published
	t         *testing.T
}

func newFixture(t *testing.T, p *published) *fixture {
	t.Helper()
	return &fixture{simshim.NewService("ns", p), p, t}
}

// made returns a fixture whose container has the annotations and arguments. The
// service is closed at the end of the test.
func made(t *testing.T, annotations map[string]string, args ...string) *fixture {
	t.Helper()
	f := newFixture(t, &published{})
	t.Cleanup(f.Close)
	_, err := f.create("c", annotations, args...)
	require.NoError(t, err)
	return f
}

func (f *fixture) create(id string, annotations map[string]string, args ...string) (*taskapi.CreateTaskResponse, error) {
	f.t.Helper()
	bundle := f.t.TempDir()
	data, err := json.Marshal(runtimespec.Spec{Annotations: annotations, Process: &runtimespec.Process{Args: args}})
	require.NoError(f.t, err)
	require.NoError(f.t, os.WriteFile(filepath.Join(bundle, "config.json"), data, 0o600))
	resp, err := f.Create(f.t.Context(), &taskapi.CreateTaskRequest{ID: id, Bundle: bundle})
	return resp, native(err)
}

func native(err error) error { return errgrpc.ToNative(err) }

func (f *fixture) start() error {
	_, err := f.Start(f.t.Context(), &taskapi.StartRequest{ID: "c"})
	return native(err)
}

func (f *fixture) kill(sig uint32) error {
	_, err := f.Kill(f.t.Context(), &taskapi.KillRequest{ID: "c", Signal: sig})
	return native(err)
}

func (f *fixture) delete() (*taskapi.DeleteResponse, error) {
	resp, err := f.Delete(f.t.Context(), &taskapi.DeleteRequest{ID: "c"})
	return resp, native(err)
}

func (f *fixture) wait() (*taskapi.WaitResponse, error) {
	resp, err := f.Wait(f.t.Context(), &taskapi.WaitRequest{ID: "c"})
	return resp, native(err)
}

func (f *fixture) status() tasktypes.Status {
	f.t.Helper()
	resp, err := f.State(f.t.Context(), &taskapi.StateRequest{ID: "c"})
	require.NoError(f.t, err)
	return resp.Status
}

// ended closes the service and returns all events.
func (f *fixture) ended() []string {
	f.Close()
	return f.published.events()
}

func TestExitAtOnce(t *testing.T) {
	f := made(t, with("exit.code", "7", "exit.after", "0"))
	assert.Equal(t, tasktypes.Status_CREATED, f.status())
	require.NoError(t, f.start())
	assert.Equal(t, tasktypes.Status_STOPPED, f.status())
	waited, err := f.wait()
	require.NoError(t, err)
	assert.EqualValues(t, 7, waited.ExitStatus)
	require.EqualError(t, f.start(), "cannot start a stopped process")
	require.ErrorIs(t, f.kill(15), errdefs.ErrNotFound)
	deleted, err := f.delete()
	require.NoError(t, err)
	assert.EqualValues(t, 7, deleted.ExitStatus)
	assert.Equal(t, waited.ExitedAt.AsTime(), deleted.ExitedAt.AsTime())
	_, err = f.delete()
	require.ErrorIs(t, err, errdefs.ErrNotFound)
	assert.Zero(t, f.Len())
	assert.Equal(t, []string{"create", "start", "exit c 7", "delete"}, f.ended())
}

func TestExitLater(t *testing.T) {
	f := made(t, nil, initproc.Command{ExitAfter: 20 * time.Millisecond, Code: 5}.Args()...)
	begin := time.Now()
	require.NoError(t, f.start())
	waited, err := f.wait()
	require.NoError(t, err)
	assert.EqualValues(t, 5, waited.ExitStatus)
	assert.GreaterOrEqual(t, time.Since(begin), 20*time.Millisecond)
}

func TestSignals(t *testing.T) {
	f := made(t, with("kill.ignore", "TERM"))
	require.NoError(t, f.start())
	for _, sig := range []uint32{0, 15, uint32(unix.SIGCHLD), uint32(unix.SIGWINCH)} {
		require.NoError(t, f.kill(sig))
		assert.Equal(t, tasktypes.Status_RUNNING, f.status(), "signal %d", sig)
	}
	_, err := f.delete()
	require.EqualError(t, err, "cannot delete a running process")
	require.NoError(t, f.kill(9))
	waited, err := f.wait()
	require.NoError(t, err)
	assert.EqualValues(t, 137, waited.ExitStatus)
	_, err = f.Kill(t.Context(), &taskapi.KillRequest{ID: "c", Signal: 9, All: true})
	require.NoError(t, err, "all processes that there are")

	quit := made(t, nil, initproc.Command{ExitAfter: initproc.Forever, Code: 4}.Args()...)
	require.NoError(t, quit.start())
	require.NoError(t, quit.kill(uint32(initproc.Quit)))
	waited, err = quit.wait()
	require.NoError(t, err)
	assert.EqualValues(t, 4, waited.ExitStatus)

	slow := made(t, with("kill.after", "20ms"))
	require.NoError(t, slow.start())
	begin := time.Now()
	require.NoError(t, slow.kill(15))
	waited, err = slow.wait()
	require.NoError(t, err)
	assert.EqualValues(t, 143, waited.ExitStatus)
	assert.GreaterOrEqual(t, time.Since(begin), 20*time.Millisecond)
}

// TestWaitOrder holds the exit event back: Wait answers before it, or does not.
func TestWaitOrder(t *testing.T) {
	for order, early := range map[string]bool{"before-event": true, "after-event": false} {
		t.Run(order, func(t *testing.T) {
			p := &published{gate: make(chan struct{})}
			f := newFixture(t, p)
			_, err := f.create("c", with("wait.order", order, "exit.after", "0"))
			require.NoError(t, err)
			require.NoError(t, f.start())
			answered := make(chan error, 1)
			go func() {
				_, err := f.wait()
				answered <- err
			}()
			if early {
				require.NoError(t, <-answered)
			} else {
				p.gate <- struct{}{} // create
				p.gate <- struct{}{} // start
				select {
				case err := <-answered:
					assert.Fail(t, "Wait answered before the event was sent", "%v", err)
				case <-time.After(20 * time.Millisecond):
				}
			}
			close(p.gate)
			if !early {
				require.NoError(t, <-answered)
			}
			assert.Equal(t, []string{"create", "start", "exit c 0"}, f.ended())
		})
	}
}

func TestExitEvent(t *testing.T) {
	for _, c := range []struct {
		annotations map[string]string
		want        []string
	}{
		{with(), []string{"create", "start", "exit c 7", "delete"}},
		{with("event.exit", "lost"), []string{"create", "start", "delete"}},
		{with("event.exit", "lost", "wait.order", "after-event"), []string{"create", "start", "delete"}},
		{with("event.exit", "twice"), []string{"create", "start", "exit c 7", "exit c 7", "delete"}},
		{with("event.exit.code", "8"), []string{"create", "start", "exit c 8", "delete"}},
		// Inverted, as containerd 2.4 does it: Wait lets the client delete.
		{with("event.exit.delay", "2s"), []string{"create", "start", "delete", "exit c 7"}},
		{with("event.exit.delay", "50ms", "wait.order", "after-event"), []string{"create", "start", "exit c 7", "delete"}},
	} {
		t.Run(fmt.Sprint(c.annotations), func(t *testing.T) {
			c.annotations[simshim.Prefix+"exit.after"] = "0"
			c.annotations[simshim.Prefix+"exit.code"] = "7"
			f := made(t, c.annotations)
			require.NoError(t, f.start())
			waited, err := f.wait()
			require.NoError(t, err)
			assert.EqualValues(t, 7, waited.ExitStatus)
			_, err = f.delete()
			require.NoError(t, err)
			assert.Equal(t, c.want, f.ended())
		})
	}
}

func TestErrors(t *testing.T) {
	f := newFixture(t, &published{})
	t.Cleanup(f.Close)
	_, err := f.create("c", with("create.error", "unavailable: no room"))
	require.ErrorIs(t, err, errdefs.ErrUnavailable)
	require.ErrorContains(t, err, "no room")
	assert.Zero(t, f.Len())

	_, err = f.create("c", with("create.error", "unknown", "create.error.late", "true"))
	require.ErrorIs(t, err, errdefs.ErrUnknown)
	assert.Equal(t, 1, f.Len(), "it failed after its effect")
	_, err = f.create("c", nil)
	require.ErrorIs(t, err, errdefs.ErrAlreadyExists)
	_, err = f.delete()
	require.NoError(t, err, "created, never started")

	_, err = f.create("c", with("start.error", "unavailable", "start.error.times", "2",
		"kill.error", "failed-precondition", "kill.error.times", "1", "kill.error.late", "true",
		"state.error", "internal", "state.error.times", "1", "wait.error", "not-found", "wait.error.times", "1",
		"delete.error", "unknown", "delete.error.times", "1"))
	require.NoError(t, err)
	require.ErrorIs(t, f.start(), errdefs.ErrUnavailable)
	require.ErrorIs(t, f.start(), errdefs.ErrUnavailable)
	require.NoError(t, f.start())
	_, err = f.State(t.Context(), &taskapi.StateRequest{ID: "c"})
	require.ErrorIs(t, native(err), errdefs.ErrInternal)
	assert.Equal(t, tasktypes.Status_RUNNING, f.status())
	_, err = f.wait()
	require.ErrorIs(t, err, errdefs.ErrNotFound)
	require.ErrorIs(t, f.kill(15), errdefs.ErrFailedPrecondition)
	waited, err := f.wait()
	require.NoError(t, err, "the signal that failed has ended it")
	assert.EqualValues(t, 143, waited.ExitStatus)
	_, err = f.delete()
	require.ErrorIs(t, err, errdefs.ErrUnknown)
	_, err = f.delete()
	require.NoError(t, err)
}

func TestUnknownAnnotation(t *testing.T) {
	f := newFixture(t, &published{})
	t.Cleanup(f.Close)
	_, err := f.create("c", with("exit.cod", "7"))
	require.ErrorIs(t, err, errdefs.ErrInvalidArgument)
	require.ErrorContains(t, err, simshim.Prefix+"exit.cod")
	_, err = f.Create(t.Context(), &taskapi.CreateTaskRequest{ID: "c", Bundle: t.TempDir()})
	require.Error(t, err, "no config.json")
	assert.Zero(t, f.Len())
}

// TestDelays has calls whose callers give up.
func TestDelays(t *testing.T) {
	f := made(t, with("start.delay", "1h", "state.delay", "20ms", "wait.delay", "1h", "exit.after", "0"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := f.Start(ctx, &taskapi.StartRequest{ID: "c"})
	require.ErrorIs(t, native(err), context.DeadlineExceeded)
	begin := time.Now()
	assert.Equal(t, tasktypes.Status_CREATED, f.status(), "the start had no effect")
	assert.GreaterOrEqual(t, time.Since(begin), 20*time.Millisecond)
	require.NoError(t, f.kill(9))
	_, err = f.Wait(ctx, &taskapi.WaitRequest{ID: "c"})
	require.ErrorIs(t, native(err), context.DeadlineExceeded)
}

func TestExec(t *testing.T) {
	f := made(t, nil)
	require.NoError(t, f.start())
	spec := func(c initproc.Command) *anypb.Any {
		data, err := json.Marshal(runtimespec.Process{Args: c.Args()})
		require.NoError(t, err)
		return &anypb.Any{Value: data}
	}
	exec := func(id string, c initproc.Command) error {
		_, err := f.Exec(t.Context(), &taskapi.ExecProcessRequest{ID: "c", ExecID: id, Spec: spec(c)})
		return native(err)
	}
	require.NoError(t, exec("e", initproc.Command{Code: 3}))
	require.ErrorIs(t, exec("e", initproc.Command{}), errdefs.ErrAlreadyExists)
	_, err := f.Start(t.Context(), &taskapi.StartRequest{ID: "c", ExecID: "e"})
	require.NoError(t, err)
	waited, err := f.Wait(t.Context(), &taskapi.WaitRequest{ID: "c", ExecID: "e"})
	require.NoError(t, err)
	assert.EqualValues(t, 3, waited.ExitStatus)
	pids, err := f.Pids(t.Context(), &taskapi.PidsRequest{ID: "c"})
	require.NoError(t, err)
	assert.Len(t, pids.Processes, 2)
	_, err = f.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c", ExecID: "e"})
	require.NoError(t, err)
	_, err = f.Delete(t.Context(), &taskapi.DeleteRequest{ID: "c", ExecID: "e"})
	require.ErrorIs(t, native(err), errdefs.ErrNotFound)
	assert.Equal(t, tasktypes.Status_RUNNING, f.status())

	_, err = f.Pause(t.Context(), &taskapi.PauseRequest{ID: "c"})
	require.NoError(t, err)
	require.EqualError(t, exec("late", initproc.Command{}), "cannot exec in a paused state")
	_, err = f.Resume(t.Context(), &taskapi.ResumeRequest{ID: "c"})
	require.NoError(t, err)
	assert.Equal(t, []string{"create", "start", "exec-added", "exec-started", "exit e 3", "paused", "resumed"}, f.ended())
}

// TestStreams: the reader of a stream sees its end when the process ends.
func TestStreams(t *testing.T) {
	f := newFixture(t, &published{})
	t.Cleanup(f.Close)
	bundle := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bundle, "config.json"), []byte("{}"), 0o600))
	fifo := filepath.Join(bundle, "stdout")
	require.NoError(t, unix.Mkfifo(fifo, 0o600))
	reader, err := unix.Open(fifo, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	require.NoError(t, err)
	defer unix.Close(reader)
	_, err = f.Create(t.Context(), &taskapi.CreateTaskRequest{ID: "c", Bundle: bundle, Stdout: fifo, Stderr: filepath.Join(bundle, "none")})
	require.NoError(t, err)
	require.NoError(t, f.start())
	poll := []unix.PollFd{{Fd: int32(reader), Events: unix.POLLIN}}
	n, err := unix.Poll(poll, 0)
	require.NoError(t, err)
	assert.Zero(t, n, "nothing yet: %v", poll)
	require.NoError(t, f.kill(9))
	_, err = unix.Poll(poll, 0)
	require.NoError(t, err)
	assert.NotZero(t, poll[0].Revents&unix.POLLHUP)
}
