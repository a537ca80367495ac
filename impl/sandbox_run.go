package impl

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// kindSandbox marks the containerd record of a pause process.
const kindSandbox = "sandbox"

// RunPodSandbox makes a sandbox and starts its pause process, which makes it
// READY. It fails with AlreadyExists if there is one of that name, namespace,
// uid and attempt. If it fails, what it made is removed; as long as that takes,
// the sandbox is listed as NOTREADY and keeps its name.
func (s *Service) RunPodSandbox(ctx context.Context, r *runtime.RunPodSandboxRequest) (_ *runtime.RunPodSandboxResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	id, err := s.runPodSandbox(ctx, r.GetConfig())
	if err != nil {
		return nil, fmt.Errorf("failed to run sandbox: %w", err)
	}
	return &runtime.RunPodSandboxResponse{PodSandboxId: id}, nil
}

func (s *Service) runPodSandbox(ctx context.Context, config *runtime.PodSandboxConfig) (string, error) {
	p := newSandbox(s.config.NewID(), sandboxName(config.GetMetadata()), config, time.Now().UnixNano())
	if err := s.reserve(p.name, p.id); err != nil {
		return "", err
	}
	if s.config.Pause == nil {
		s.addSandbox(p)
		return p.id, nil
	}
	if err := s.createPause(ctx, p); err != nil {
		s.release(p.name, p.id)
		return "", err
	}
	// From here on it can be seen, stopped and removed, like a container before
	// its start.
	s.addSandbox(p)
	if err := s.startContainer(ctx, p.pause); err != nil {
		s.cleanUp(ctx, p.id, func(ctx context.Context) error { return s.removePodSandbox(ctx, p.id) })
		return "", fmt.Errorf("failed to start pause process: %w", err)
	}
	return p.id, nil
}

func (s *Service) addSandbox(p *sandbox) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sandboxes[p.id] = p
	if p.pause != nil {
		s.appeared(p.pause)
	}
}

// createPause makes the records of a sandbox: that of its pause process in
// containerd and on disk, and its own.
func (s *Service) createPause(ctx context.Context, p *sandbox) (retErr error) {
	meta := metadata{Version: metadataVersion, ID: p.id, Name: p.name, SandboxConfig: p.config}
	opts, err := s.pauseOpts(meta)
	if err != nil {
		return err
	}
	// As in createContainer, each step may fail after it took effect.
	created := ask(s, func(ctx context.Context) (containerd.Container, error) {
		return s.client.NewContainer(ctx, p.id, opts...)
	})
	defer func() {
		if retErr != nil {
			s.cleanUp(ctx, p.id, func(ctx context.Context) error {
				if err := created.settle(ctx); err != nil {
					return err
				}
				if err := s.disk.Remove(p.id + sandboxSuffix); err != nil {
					return err
				}
				return s.deleteRecords(ctx, p.id)
			})
		}
	}()
	handle, err := created.wait(ctx)
	if err != nil {
		return fmt.Errorf("failed to create containerd container: %w", err)
	}
	status := Status{CreatedAt: p.createdAt}
	if err := s.checkpoint(p.id, status); err != nil {
		return err
	}
	if err := s.recordSandbox(p.id, false); err != nil {
		return err
	}
	p.pause = newContainer(meta, handle, status)
	return nil
}

// hostNetwork gives a process the network and the host name of the machine, as
// all of a pod have.
func hostNetwork() oci.SpecOpts {
	return oci.Compose(
		oci.WithHostNamespace(runtimespec.NetworkNamespace), oci.WithHostNamespace(runtimespec.UTSNamespace))
}

// pauseOpts describes the pause process to containerd.
func (s *Service) pauseOpts(meta metadata) ([]containerd.NewContainerOpts, error) {
	rootfs := s.config.Pause.Rootfs
	if !filepath.IsAbs(rootfs) {
		return nil, fmt.Errorf("pause root file system %q is no absolute path: %w", rootfs, errdefs.ErrInvalidArgument)
	}
	spec := []oci.SpecOpts{
		oci.WithRootFSPath(rootfs),
		oci.WithRootFSReadonly(),
		oci.WithProcessArgs(s.config.Pause.args()...),
		oci.WithProcessCwd("/"),
		hostNetwork(),
	}
	if s.config.CgroupParent != "" {
		spec = append(spec, oci.WithCgroup(path.Join(s.config.CgroupParent, meta.ID)))
	}
	opts := []containerd.NewContainerOpts{
		containerd.WithContainerLabels(map[string]string{kindLabel: kindSandbox}),
		containerd.WithContainerExtension(metadataExtension, &meta),
		containerd.WithNewSpec(spec...),
	}
	if s.config.Runtime != "" {
		opts = append(opts, containerd.WithRuntime(s.config.Runtime, s.config.RuntimeOptions))
	}
	return opts, nil
}
