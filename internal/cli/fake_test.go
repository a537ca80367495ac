package cli

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/fakes"
)

// The command serves until it is interrupted.
func TestFake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	type result struct {
		code      int
		out, errs string
	}
	done := make(chan result, 1)
	go func() {
		code, out, errs := run("fake", "--listen", "unix://"+path, "--release", "1.6", "--run", "c1", "--plan", "tasks.Pause=error(no)")
		done <- result{code, out, errs}
	}()
	client, err := containerd.New(path, containerd.WithDefaultNamespace(fakes.Namespace), containerd.WithTimeout(10*time.Second))
	require.NoError(t, err)
	ctx := context.Background()
	version, err := client.Version(ctx)
	require.NoError(t, err)
	assert.Equal(t, "1.6", version.Version)
	r, err := client.TaskService().List(ctx, &tasksapi.ListTasksRequest{})
	require.NoError(t, err)
	require.Len(t, r.Tasks, 1)
	assert.Equal(t, "c1", r.Tasks[0].ID)
	_, err = client.TaskService().Pause(ctx, &tasksapi.PauseTaskRequest{ContainerID: "c1"})
	require.ErrorContains(t, err, "no: unknown")
	require.NoError(t, client.Close())

	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
	got := <-done
	assert.Equal(t, exitExpected, got.code, got.errs)
	assert.Equal(t, "serving containerd 1.6 on "+path+"\n", got.out)
}

func TestFakeUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--listen", "tcp://localhost:1"}, `--listen is unix://PATH, got "tcp://localhost:1"`},
		{[]string{"--listen", "unix:///s", "--release", "3"}, `unknown release "3"`},
		{[]string{"--listen", "unix:///s", "--plan", "tasks.Start"}, "after a site comes ="},
		{[]string{"--listen", "unix:///s", "more"}, `startrace fake takes no arguments, got "more"`},
	} {
		code, _, errs := run(append([]string{"fake"}, test.args...)...)
		assert.Equal(t, exitUsage, code)
		assert.Contains(t, errs, test.want)
	}
	code, _, errs := run("fake", "--listen", "unix:///absent/s")
	assert.Equal(t, exitEnvironment, code, errs)
}
