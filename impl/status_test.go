package impl

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestState(t *testing.T) {
	for _, tc := range []struct {
		status Status
		want   runtime.ContainerState
	}{
		{Status{}, runtime.ContainerState_CONTAINER_UNKNOWN},
		{Status{CreatedAt: 1}, runtime.ContainerState_CONTAINER_CREATED},
		{Status{CreatedAt: 1, Starting: true}, runtime.ContainerState_CONTAINER_CREATED},
		{Status{CreatedAt: 1, StartedAt: 2}, runtime.ContainerState_CONTAINER_RUNNING},
		{Status{CreatedAt: 1, StartedAt: 2, FinishedAt: 3}, runtime.ContainerState_CONTAINER_EXITED},
		{Status{CreatedAt: 1, FinishedAt: 3}, runtime.ContainerState_CONTAINER_EXITED},
		{Status{CreatedAt: 1, StartedAt: 2, FinishedAt: 3, Unknown: true}, runtime.ContainerState_CONTAINER_UNKNOWN},
	} {
		assert.Equal(t, tc.want, tc.status.State(), "%+v", tc.status)
	}
}

func TestExited(t *testing.T) {
	running := Status{Pid: 7, CreatedAt: 10, StartedAt: 20}

	got := running.exited(exit{code: 3, at: time.Unix(0, 30)})
	assert.Equal(t, Status{CreatedAt: 10, StartedAt: 20, FinishedAt: 30, ExitCode: 3}, got)

	got = running.exited(exit{code: 3, at: time.Unix(0, 15)})
	assert.EqualValues(t, 15, got.FinishedAt, "the time of the exit is kept")
	assert.EqualValues(t, 15, got.StartedAt, "the start gives way")

	before := time.Now().UnixNano()
	got = running.exited(exit{})
	assert.EqualValues(t, 255, got.ExitCode)
	assert.Equal(t, "Unknown", got.Reason)
	assert.GreaterOrEqual(t, got.FinishedAt, before)
}

func TestStartFailed(t *testing.T) {
	created := Status{CreatedAt: 10}
	e := exit{code: 137, at: time.Unix(0, 30)}

	got := created.startFailed(errors.New("boom"), 20, e)
	assert.Equal(t, Status{
		CreatedAt: 10, StartedAt: 20, FinishedAt: 30, ExitCode: 137, Reason: "StartError", Message: "boom",
	}, got, "the process may have run: its code counts")

	for name, got := range map[string]Status{
		"not started": created.startFailed(errors.New("boom"), 0, e),
		"no exit":     created.startFailed(errors.New("boom"), 20, exit{}),
	} {
		assert.EqualValues(t, 128, got.ExitCode, name)
		assert.Equal(t, "StartError", got.Reason, name)
		assert.Greater(t, got.FinishedAt, int64(30), name)
	}
}

func TestStatusRecord(t *testing.T) {
	status := Status{
		Pid: 7, CreatedAt: 10, StartedAt: 20, FinishedAt: 30, ExitCode: 3, Reason: "Error", Message: "m",
		Starting: true, Removing: true, Unknown: true,
	}
	data, err := status.encode()
	require.NoError(t, err)
	assert.JSONEq(t, `{"Version":"v1","Pid":7,"CreatedAt":10,"StartedAt":20,"FinishedAt":30,"ExitCode":3,"Reason":"Error","Message":"m"}`, string(data))

	got, err := decodeStatus(data)
	require.NoError(t, err)
	status.Starting, status.Removing, status.Unknown = false, false, false
	assert.Equal(t, status, got)

	for _, bad := range []string{"", "{", `{"Version":"v1"}`, `{"Version":"v2","CreatedAt":1}`, `{"CreatedAt":1}`} {
		_, err := decodeStatus([]byte(bad))
		assert.Error(t, err, "%q", bad)
	}
}

func TestReason(t *testing.T) {
	assert.Equal(t, "Completed", reason(Status{CreatedAt: 1, FinishedAt: 2}))
	assert.Equal(t, "Error", reason(Status{CreatedAt: 1, FinishedAt: 2, ExitCode: 1}))
	assert.Equal(t, "StartError", reason(Status{CreatedAt: 1, FinishedAt: 2, ExitCode: 128, Reason: "StartError"}))
	assert.Empty(t, reason(Status{CreatedAt: 1, StartedAt: 2}))
}

func TestStopSignal(t *testing.T) {
	for s, want := range map[runtime.Signal]syscall.Signal{
		runtime.Signal_SIGNAL_RUNTIME_DEFAULT: syscall.SIGTERM,
		runtime.Signal_SIGNAL_SIGQUIT:         syscall.SIGQUIT,
		runtime.Signal_SIGNAL_SIGRTMINPLUS3:   syscall.Signal(37),
	} {
		got, err := stopSignal(s)
		require.NoError(t, err)
		assert.Equal(t, want, got, "%v", s)
	}
	for s := range runtime.Signal_name {
		_, err := stopSignal(runtime.Signal(s))
		assert.NoError(t, err)
	}
	_, err := stopSignal(-1)
	assert.True(t, errdefs.IsInvalidArgument(err), "%v", err)
}

func TestBackoff(t *testing.T) {
	var b backoff
	assert.Equal(t, minBackoff, b.next())
	assert.Equal(t, 2*minBackoff, b.next())
	for range 20 {
		b.next()
	}
	assert.Equal(t, maxBackoff, b.next())
}
