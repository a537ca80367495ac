package impl

import (
	"context"
	"fmt"
	"strings"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
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
// config is the absolute path of a root file system directory, or names one of
// containerd's images, see Config.Snapshotter. It fails with AlreadyExists if the
// sandbox has a container of that name and attempt, and with Unimplemented if the
// config asks for what there is not.
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
	if err := unsupported(meta.Config); err != nil {
		return "", err
	}
	image, err := s.findImage(ctx, meta.Config)
	if err != nil {
		return "", err
	}
	meta.ImageID, meta.StopSignal = image.id(), image.stopSignal()
	opts, err := s.containerOpts(meta, image)
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
	created := ask(s, func(ctx context.Context) (containerd.Container, error) {
		return s.client.NewContainer(ctx, meta.ID, opts...)
	})
	defer func() {
		if retErr != nil {
			s.cleanUp(ctx, meta.ID, func(ctx context.Context) error {
				if err := created.settle(ctx); err != nil {
					return err
				}
				return s.deleteRecords(ctx, meta.ID)
			})
		}
	}()
	handle, err := created.wait(ctx)
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

// containerName identifies a container among all: one attempt of a name in one
// attempt of a pod. Names of pods and containers contain no underscore.
func containerName(c *runtime.ContainerMetadata, s *runtime.PodSandboxMetadata) string {
	return strings.Join([]string{
		c.GetName(), s.GetName(), s.GetNamespace(), s.GetUid(), fmt.Sprint(c.GetAttempt()),
	}, "_")
}
