package cri2019

import (
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// CreateContainer makes the containerd record, then the status, then the entry
// of the store, and undoes them in reverse. The image of the request is the
// path of a root filesystem. It follows pkg/server/container_create.go.
func (s *Service) CreateContainer(ctx context.Context, r *runtime.CreateContainerRequest) (_ *runtime.CreateContainerResponse, retErr error) {
	ctx = s.Namespaced(ctx)
	config := r.GetConfig()
	meta := config.GetMetadata()
	if meta == nil {
		return nil, fmt.Errorf("container without metadata: %w", errdefs.ErrInvalidArgument)
	}
	c := NewContainer(r.GetPodSandboxId(), config)
	if err := s.SandboxReady(c); err != nil {
		return nil, err
	}
	var err error
	if c.ID, err = s.reserve(c.Name, meta.Name); err != nil {
		return nil, err
	}
	defer func() {
		if retErr != nil {
			s.release(c.Name)
		}
	}()

	if c.Client, err = s.Env.Client.NewContainer(ctx, c.ID, s.options(c)...); err != nil {
		return nil, fmt.Errorf("create containerd container %q: %w", c.ID, err)
	}
	defer func() {
		if retErr != nil {
			ctx, cancel := Detached(ctx)
			defer cancel()
			_ = c.Client.Delete(ctx)
		}
	}()

	if c.Status, err = NewStorage(c.ID, s.Env.Checkpoints, Status{CreatedAt: time.Now().UnixNano()}); err != nil {
		return nil, fmt.Errorf("write status of %q: %w", c.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers[c.ID] = c
	return &runtime.CreateContainerResponse{ContainerId: c.ID}, nil
}

func (s *Service) options(c *Container) []containerd.NewContainerOpts {
	var env []string
	for _, e := range c.Config.GetEnvs() {
		env = append(env, e.Key+"="+string(e.Value))
	}
	spec := []oci.SpecOpts{
		oci.WithRootFSPath(c.Config.GetImage().GetImage()),
		oci.WithRootFSReadonly(),
		oci.WithProcessArgs(slices.Concat(c.Config.GetCommand(), c.Config.GetArgs())...),
		oci.WithProcessCwd("/"),
		oci.WithEnv(env),
	}
	if s.Env.CgroupParent != "" {
		spec = append(spec, oci.WithCgroup(path.Join(s.Env.CgroupParent, c.ID)))
	}
	opts := []containerd.NewContainerOpts{containerd.WithNewSpec(spec...)}
	if s.Record != nil {
		opts = append(opts, s.Record(c)...)
	}
	if s.Env.Runtime != "" {
		opts = append(opts, containerd.WithRuntime(s.Env.Runtime, s.Env.RuntimeOptions))
	}
	return opts
}
