package impl

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/log"
	"github.com/containerd/typeurl/v2"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	// kindLabel marks our container records in containerd.
	kindLabel     = "io.startrace.cri.kind"
	kindContainer = "container"
	// metadataExtension is where they keep their metadata.
	metadataExtension = "io.startrace.cri.metadata"
)

func init() {
	typeurl.Register(&metadata{}, "io.startrace/cri/Metadata")
}

// CreateContainer creates a container in a READY sandbox. The image of its
// config is the absolute path of a root file system directory. It fails with
// AlreadyExists if the sandbox has a container of that name and attempt.
func (s *Service) CreateContainer(ctx context.Context, r *runtime.CreateContainerRequest) (_ *runtime.CreateContainerResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	id, err := s.createContainer(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("failed to create container: %w", err)
	}
	return &runtime.CreateContainerResponse{ContainerId: id}, nil
}

func (s *Service) createContainer(ctx context.Context, r *runtime.CreateContainerRequest) (_ string, retErr error) {
	sandbox, err := s.readySandbox(r.GetPodSandboxId())
	if err != nil {
		return "", err
	}
	meta := metadata{
		Version:       metadataVersion,
		ID:            s.config.NewID(),
		Name:          containerName(r.GetConfig().GetMetadata(), sandbox.config.GetMetadata()),
		SandboxID:     sandbox.id,
		Config:        r.GetConfig(),
		SandboxConfig: sandbox.config,
	}
	opts, err := s.containerOpts(meta)
	if err != nil {
		return "", err
	}

	if err := s.reserve(meta.Name, meta.ID); err != nil {
		return "", err
	}
	defer func() {
		if retErr != nil {
			s.release(meta.Name, meta.ID)
		}
	}()

	// Creating a record, here or on disk, may fail after it took effect, so
	// both are undone even if the first did not succeed.
	defer func() {
		if retErr != nil {
			s.cleanUp(ctx, meta.ID, func(ctx context.Context) error {
				return s.deleteRecords(ctx, meta.ID)
			})
		}
	}()
	handle, err := s.client.NewContainer(ctx, meta.ID, opts...)
	if err != nil {
		return "", fmt.Errorf("failed to create containerd container: %w", err)
	}
	status := Status{CreatedAt: time.Now().UnixNano(), Resources: meta.Config.GetLinux().GetResources()}
	if err := s.checkpoint(meta.ID, status); err != nil {
		return "", err
	}

	// The sandbox may have been stopped meanwhile; whoever stopped it has not
	// seen this container.
	if err := s.addContainer(newContainer(meta, handle, status)); err != nil {
		return "", err
	}
	return meta.ID, nil
}

// addContainer makes c known, provided that its sandbox is still READY.
func (s *Service) addContainer(c *container) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.readySandboxLocked(c.SandboxID); err != nil {
		return err
	}
	s.containers[c.ID] = c
	s.appeared(c)
	return nil
}

// cleanUp deletes with fn what is left of a container that does not exist for
// anyone, in background if the first try fails.
func (s *Service) cleanUp(ctx context.Context, id string, fn func(context.Context) error) {
	ctx, cancel := detach(ctx)
	defer cancel()
	err := fn(ctx)
	if err == nil {
		return
	}
	log.G(ctx).WithError(err).Warnf("Failed to clean up container %q, will retry", id)
	s.background(func(ctx context.Context) {
		retry(ctx, fmt.Sprintf("clean up container %q", id), fn)
	})
}

// checkpoint makes status durable.
func (s *Service) checkpoint(id string, status Status) error {
	data, err := status.encode()
	if err != nil {
		return fmt.Errorf("failed to encode status of container %q: %w", id, err)
	}
	return s.disk.Write(id, data)
}

func (s *Service) containerOpts(meta metadata) ([]containerd.NewContainerOpts, error) {
	config := meta.Config
	rootfs := config.GetImage().GetImage()
	args := append(append([]string{}, config.GetCommand()...), config.GetArgs()...)
	switch {
	case !filepath.IsAbs(rootfs):
		return nil, fmt.Errorf("image %q is not the path of a root file system: %w", rootfs, errdefs.ErrInvalidArgument)
	case len(args) == 0:
		return nil, fmt.Errorf("no command: %w", errdefs.ErrInvalidArgument)
	}
	if _, err := stopSignal(config.GetStopSignal()); err != nil {
		return nil, err
	}
	if meta.logPath() != "" && s.config.StreamDir == "" {
		return nil, errNoStreams
	}
	cwd := config.GetWorkingDir()
	if cwd == "" {
		cwd = "/"
	}
	var env []string
	for _, kv := range config.GetEnvs() {
		env = append(env, kv.GetKey()+"="+string(kv.GetValue()))
	}
	spec := []oci.SpecOpts{
		oci.WithRootFSPath(rootfs),
		oci.WithRootFSReadonly(),
		oci.WithProcessArgs(args...),
		oci.WithProcessCwd(cwd),
		oci.WithEnv(env),
	}
	if r := config.GetLinux().GetResources(); r != nil {
		spec = append(spec, withResources(r))
	}
	if s.config.Pause != nil {
		spec = append(spec, hostNetwork())
	}
	if s.config.CgroupParent != "" {
		spec = append(spec, oci.WithCgroup(path.Join(s.config.CgroupParent, meta.ID)))
	}
	opts := []containerd.NewContainerOpts{
		containerd.WithContainerLabels(map[string]string{kindLabel: kindContainer}),
		containerd.WithContainerExtension(metadataExtension, &meta),
		containerd.WithNewSpec(spec...),
	}
	if s.config.Runtime != "" {
		opts = append(opts, containerd.WithRuntime(s.config.Runtime, s.config.RuntimeOptions))
	}
	return opts, nil
}

// containerName identifies a container among all: one attempt of a name in one
// attempt of a pod. Names of pods and containers contain no underscore.
func containerName(c *runtime.ContainerMetadata, s *runtime.PodSandboxMetadata) string {
	return strings.Join([]string{
		c.GetName(), s.GetName(), s.GetNamespace(), s.GetUid(), fmt.Sprint(c.GetAttempt()),
	}, "_")
}
