package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/plugins"
	"google.golang.org/grpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/impl/images"
	"github.com/startrace/startrace/internal/initproc"
)

// Options of [Run]. Listen, Containerd, Root and Namespace are required.
type Options struct {
	Listen     string // path of the socket to serve on; one that nobody serves on is replaced
	Containerd string // path of containerd's socket
	Root       string // directory for what is kept, made if need be
	Namespace  string // in containerd, of nobody else
	// Snapshotter is where images are unpacked; empty: overlayfs.
	Snapshotter string
	// Mirror is the URL of a registry that is asked for the images of all others;
	// empty: each image comes from where its name says.
	Mirror string
	// Runtime and RuntimeOptions are those of impl.Config; empty: runc.
	Runtime        string
	RuntimeOptions any
	// RuncRoot is where runc keeps its state, if Runtime is empty; empty: where
	// containerd puts it.
	RuncRoot string
}

const (
	dialTimeout = 5 * time.Second // for containerd to answer
	stopGrace   = 5 * time.Second // for calls to end by themselves when ctx ends
)

// Why nothing is served. Errors of [Run] wrap one of these or one of the system's.
var (
	ErrNoContainerd = errors.New("no containerd serves there")
	ErrInUse        = errors.New("in use")
)

// Run recovers what there is, calls ready, and serves until ctx ends, or returns why
// it can't. Calls that wait for something then fail, and the others get a few seconds
// to end; containers stay.
func Run(ctx context.Context, opts Options, ready func()) (retErr error) {
	client, err := connect(ctx, opts.Containerd)
	if err != nil {
		return err
	}
	defer func() { retErr = errors.Join(retErr, client.Close()) }()
	unlock, err := lockRoot(opts.Root)
	if err != nil {
		return err
	}
	defer unlock()
	l, err := listen(ctx, opts.Listen)
	if err != nil {
		return err
	}
	defer l.Close() // removes the socket
	service, imageService, err := services(ctx, client, opts)
	if err != nil {
		return err
	}
	defer func() { retErr = errors.Join(retErr, service.Close()) }()

	server := grpc.NewServer(grpc.UnaryInterceptor(expander{service}.unary))
	runtime.RegisterRuntimeServiceServer(server, service)
	runtime.RegisterImageServiceServer(server, imageService)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	ready()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	late := time.AfterFunc(stopGrace, server.Stop)
	defer late.Stop()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		server.GracefulStop()
	}()
	err = service.Close() // else whoever waits for events would do so for ever
	<-stopped
	return errors.Join(err, <-served)
}

// connect returns a client of the containerd on a socket, which answers.
func connect(ctx context.Context, path string) (*containerd.Client, error) {
	// What is wrong with the socket shows here; the client would try for long.
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("containerd: %w: %w", ErrNoContainerd, err)
	}
	conn.Close()
	client, err := containerd.New(path, containerd.WithTimeout(dialTimeout))
	if err != nil {
		return nil, fmt.Errorf("containerd: %s: %w: %w", path, ErrNoContainerd, err)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if _, err := client.Version(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("containerd: %s: %w: %w", path, ErrNoContainerd, err), client.Close())
	}
	return client, nil
}

// lockRoot makes the directory, which stays with this process until unlock.
func lockRoot(root string) (unlock func(), err error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(root, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w by another startrace serve", ErrInUse)
		}
		return nil, fmt.Errorf("root: %s: %w", root, err)
	}
	return func() { f.Close() }, nil
}

// listen makes the socket, in place of one that a process has left.
func listen(ctx context.Context, path string) (net.Listener, error) {
	if conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", path); err == nil {
		conn.Close()
		return nil, fmt.Errorf("listen: %s: %w: another process serves on it", path, ErrInUse)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// services returns the two halves of the CRI, recovered.
func services(ctx context.Context, client *containerd.Client, opts Options) (*impl.Service, *images.Service, error) {
	if opts.Snapshotter == "" {
		opts.Snapshotter = "overlayfs"
	}
	pause, err := pauseRootfs(ctx, opts.Root)
	if err != nil {
		return nil, nil, err
	}
	records, err := impl.NewCheckpointDir(filepath.Join(opts.Root, "records"))
	if err != nil {
		return nil, nil, err
	}
	if opts.Runtime == "" {
		opts.Runtime = plugins.RuntimeRuncV2
		opts.RuntimeOptions = &runcoptions.Options{Root: opts.RuncRoot}
	}
	var hosts docker.RegistryHosts
	if opts.Mirror != "" {
		if hosts, err = mirror(opts.Mirror); err != nil {
			return nil, nil, err
		}
	}
	imageService, err := images.New(images.Config{
		Client: client, Namespace: opts.Namespace, Snapshotter: opts.Snapshotter, Hosts: hosts,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("image service: %w", err)
	}
	// The service ends with Close, when calls have ended, and not with ctx.
	service, err := impl.New(context.WithoutCancel(ctx), impl.Config{
		Client: client, Checkpoints: records, Namespace: opts.Namespace,
		Runtime: opts.Runtime, RuntimeOptions: opts.RuntimeOptions,
		StreamDir: filepath.Join(opts.Root, "streams"), Snapshotter: opts.Snapshotter,
		Pause: &impl.Pause{Rootfs: pause},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("runtime service: %w", err)
	}
	return service, imageService, nil
}

// pauseRootfs returns the root file system of pause processes, built once for each
// version of what is in it. Those that run keep the older ones in use.
func pauseRootfs(ctx context.Context, root string) (string, error) {
	path := filepath.Join(root, "pause-"+initproc.Version()[:16])
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	tmp, err := os.MkdirTemp(root, ".pause-")
	if err != nil {
		return "", fmt.Errorf("root: %w", err)
	}
	defer os.RemoveAll(tmp) // after the rename there is nothing at that path
	if err := initproc.BuildRootfs(ctx, tmp); err != nil {
		return "", fmt.Errorf("pause process: %w", err)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", fmt.Errorf("root: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return "", fmt.Errorf("root: %w", err)
	}
	return path, nil
}
