package conformance

import (
	"context"
	"syscall"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"

	"github.com/startrace/startrace/internal/initproc"
)

// World is a containerd, real or not, and what can be done to it that is no
// call. Its methods may be called concurrently for different containers; those
// about the daemon concern all of them.
type World interface {
	// Client returns a new connection whose default namespace is Namespace. The
	// caller closes it.
	Client() (*containerd.Client, error)
	Namespace() string
	// Runtime and Rootfs are what containers are made with.
	Runtime() (name string, options any)
	Rootfs() string
	// Ready returns when a started process obeys signals, which takes a moment.
	Ready(id, exec string, pid uint32) error
	// Exit makes a started process end by itself with the code it was made
	// with: the init process of container id, or the one executed in it if exec
	// is not empty. pid is what containerd says its process id is.
	Exit(id, exec string, pid uint32) error
	// KillShim kills the shim of a container, Kill the daemon, as kill -9 does.
	KillShim(id string) error
	Kill() error
	// Restart starts the daemon, killing it first if it runs, and returns when
	// it serves.
	Restart(ctx context.Context) error
}

// What the processes are that the suite makes.
const (
	initCode = 7 // of an init process that ends by itself
	execCode = 5 // of an executed one
	execID   = "exec-of-suite"
)

// program is what runs in a container.
func program(code int, ignore ...syscall.Signal) initproc.Command {
	return initproc.Command{ExitAfter: initproc.Forever, Code: code, Ignore: ignore}
}

// newContainer makes a container whose process has these arguments.
func newContainer(ctx context.Context, w World, client *containerd.Client, id string, args ...string) (containerd.Container, error) {
	runtime, options := w.Runtime()
	return client.NewContainer(ctx, id,
		containerd.WithRuntime(runtime, options),
		containerd.WithNewSpec(
			oci.WithRootFSPath(w.Rootfs()),
			oci.WithRootFSReadonly(),
			oci.WithProcessCwd("/"),
			oci.WithProcessArgs(args...),
		))
}
