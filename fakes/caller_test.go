package fakes_test

import (
	"context"
	"testing"

	"github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/fakes"
)

// A killed caller gets errors and changes nothing; others are not concerned.
func TestCaller(t *testing.T) {
	c := fakes.New(fakes.Options{})
	client, err := c.Client()
	require.NoError(t, err)
	var victim fakes.Caller
	ctx := fakes.WithCaller(context.Background(), &victim)
	list := func(ctx context.Context) error {
		_, err := client.TaskService().List(ctx, &tasks.ListTasksRequest{})
		return errgrpc.ToNative(err)
	}
	disk := fakes.NewCheckpoints(fakes.Options{})
	his := disk.For(&victim)
	require.NoError(t, list(ctx))
	require.NoError(t, his.Write("a", []byte("1")))

	victim.Crash()
	assert.ErrorIs(t, list(ctx), errdefs.ErrUnavailable)
	assert.ErrorIs(t, list(context.WithoutCancel(ctx)), errdefs.ErrUnavailable)
	assert.NoError(t, list(context.Background()))
	assert.Error(t, his.Write("a", []byte("2")))
	assert.Error(t, his.Remove("a"))
	data, err := disk.Read("a")
	require.NoError(t, err, "what was written before is there")
	assert.Equal(t, "1", string(data))
	assert.NoError(t, disk.For(&fakes.Caller{}).Write("a", []byte("3")), "a successor writes to the same directory")
	data, err = disk.Read("a")
	require.NoError(t, err)
	assert.Equal(t, "3", string(data))
}
