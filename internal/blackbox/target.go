package blackbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Limits of what is waited for.
const (
	dialLimit  = 10 * time.Second // for the endpoint to answer
	pullLimit  = time.Minute
	callLimit  = 60 * time.Second // after which a call counts as one that does not return
	closeLimit = 30 * time.Second // for all pods to be removed
)

// ErrNoEndpoint is what errors of [Open] wrap if nothing serves the CRI there.
var ErrNoEndpoint = errors.New("no CRI endpoint serves there")

// Options of [Open]. Endpoint and Image are required.
type Options struct {
	Endpoint string // path of a socket, of a runtime and image service on this machine
	// Image is an image that has the container process as its entrypoint; see
	// [Images.Name].
	Image        string
	CgroupParent string // of pods; empty: what the endpoint takes by itself
}

// Target is a CRI endpoint that is looked at from outside. Its methods may be called
// concurrently, but for Close.
type Target struct {
	opts    Options
	conn    *grpc.ClientConn
	runtime runtime.RuntimeServiceClient
	images  runtime.ImageServiceClient
	version *runtime.VersionResponse
	dir     string   // for what the processes write
	owner   *os.File // is locked while that is in use
	notices *notices
	timing  *timing

	mu    sync.Mutex
	count int      // of names given out
	pods  []string // all of them
	free  []pod    // those without a container
}

// Open connects to an endpoint, removes what a process left there that was killed,
// pulls the image and subscribes to the events of containers. ctx limits Open only.
func Open(ctx context.Context, opts Options) (_ *Target, err error) {
	dialer := &net.Dialer{Timeout: dialLimit}
	probe, err := dialer.DialContext(ctx, "unix", opts.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoEndpoint, err)
	}
	probe.Close()
	t := &Target{opts: opts, timing: newTiming()}
	if t.dir, t.owner, err = lockDir(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	t.conn, err = grpc.NewClient("unix://"+opts.Endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("blackbox: %w", err)
	}
	t.runtime, t.images = runtime.NewRuntimeServiceClient(t.conn), runtime.NewImageServiceClient(t.conn)
	limited, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	if t.version, err = t.runtime.Version(limited, &runtime.VersionRequest{}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoEndpoint, err)
	}
	limited, cancel = context.WithTimeout(ctx, closeLimit)
	defer cancel()
	if err := t.reclaim(limited); err != nil {
		return nil, fmt.Errorf("what a killed process left: %w", err)
	}
	limited, cancel = context.WithTimeout(ctx, pullLimit)
	defer cancel()
	if _, err := t.images.PullImage(limited, &runtime.PullImageRequest{Image: t.image()}); err != nil {
		return nil, fmt.Errorf("blackbox: pull %s: %w", opts.Image, err)
	}
	t.notices, err = subscribe(context.WithoutCancel(ctx), t.runtime)
	return t, err
}

func (t *Target) image() *runtime.ImageSpec { return &runtime.ImageSpec{Image: t.opts.Image} }

// Name is what the endpoint says of itself: its name and version.
func (t *Target) Name() string {
	return t.version.GetRuntimeName() + " " + t.version.GetRuntimeVersion()
}

// Close removes all pods, the image and what the processes wrote. It tries
// everything and returns all errors.
func (t *Target) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	var errs []error
	if t.notices != nil {
		t.notices.close()
	}
	for _, pod := range slices.Clone(t.pods) {
		errs = append(errs, t.removePod(ctx, pod))
	}
	if t.conn != nil {
		if t.version != nil {
			_, err := t.images.RemoveImage(ctx, &runtime.RemoveImageRequest{Image: t.image()})
			errs = append(errs, err)
		}
		errs = append(errs, t.conn.Close())
	}
	errs = append(errs, os.RemoveAll(t.dir), t.owner.Close())
	return errors.Join(errs...)
}

// name returns a name that no pod or container has yet.
func (t *Target) name() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	return fmt.Sprintf("%s-%d", filepath.Base(t.dir), t.count)
}

// pod is a pod of a target.
type pod struct {
	id     string
	config *runtime.PodSandboxConfig
}

// borrow returns a pod without a container.
func (t *Target) borrow(ctx context.Context) (pod, error) {
	t.mu.Lock()
	if n := len(t.free); n > 0 {
		defer t.mu.Unlock()
		p := t.free[n-1]
		t.free = t.free[:n-1]
		return p, nil
	}
	t.mu.Unlock()
	name := t.name()
	config := &runtime.PodSandboxConfig{
		Metadata:    &runtime.PodSandboxMetadata{Name: name, Namespace: "startrace", Uid: name},
		Labels:      map[string]string{label: labelValue},
		Annotations: map[string]string{dirAnnotated: t.dir, imgAnnotated: t.opts.Image},
		Linux: &runtime.LinuxPodSandboxConfig{
			CgroupParent: t.opts.CgroupParent,
			SecurityContext: &runtime.LinuxSandboxSecurityContext{
				NamespaceOptions: &runtime.NamespaceOption{Network: runtime.NamespaceMode_NODE},
			},
		},
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	r, err := t.runtime.RunPodSandbox(ctx, &runtime.RunPodSandboxRequest{Config: config})
	if err != nil {
		return pod{}, fmt.Errorf("blackbox: make a pod: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pods = append(t.pods, r.GetPodSandboxId())
	return pod{r.GetPodSandboxId(), config}, nil
}

// giveBack says that a pod has no container any more.
func (t *Target) giveBack(p pod) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = append(t.free, p)
}

func (t *Target) removePod(ctx context.Context, id string) error {
	if _, err := t.runtime.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: id}); err != nil {
		return fmt.Errorf("blackbox: stop a pod: %w", err)
	}
	if _, err := t.runtime.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: id}); err != nil {
		return fmt.Errorf("blackbox: remove a pod: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pods = slices.DeleteFunc(t.pods, func(p string) bool { return p == id })
	return nil
}
