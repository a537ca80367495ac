package impl

import (
	"context"
	"fmt"
	"path/filepath"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl/images"
)

// image is one of containerd's images, unpacked. nil stands for a root file system
// directory, of which nothing is known.
type image struct {
	found  *images.Image
	handle containerd.Image
	config ocispec.ImageConfig
}

// findImage returns the image of a container, nil if it is a directory. It unpacks
// the image if nobody has done so.
func (s *Service) findImage(ctx context.Context, config *runtime.ContainerConfig) (*image, error) {
	ref := config.GetImage().GetImage()
	if filepath.IsAbs(ref) {
		return nil, nil
	}
	if s.config.Snapshotter == "" {
		return nil, fmt.Errorf("image %q is not the path of a root file system: %w", ref, errdefs.ErrInvalidArgument)
	}
	found, err := images.Find(ctx, s.client, ref)
	if err != nil {
		return nil, err
	}
	handle := found.Names[0]
	unpacked, err := handle.IsUnpacked(ctx, s.config.Snapshotter)
	if err == nil && !unpacked {
		err = handle.Unpack(ctx, s.config.Snapshotter)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to unpack image %q: %w", ref, err)
	}
	spec, err := handle.Spec(ctx)
	if err != nil {
		return nil, fmt.Errorf("failed to read image %q: %w", ref, err)
	}
	return &image{found, handle, spec.Config}, nil
}

func (i *image) id() string {
	if i == nil {
		return ""
	}
	return i.found.ID
}

func (i *image) stopSignal() string {
	if i == nil {
		return ""
	}
	return i.config.StopSignal
}

// args is the argument vector of a container: its command takes the place of the
// entry point of the image and of what the image gives that, its arguments take the
// place of the latter only.
func (i *image) args(config *runtime.ContainerConfig) []string {
	command, args := config.GetCommand(), config.GetArgs()
	if i != nil && len(command) == 0 {
		command = i.config.Entrypoint
		if len(args) == 0 {
			args = i.config.Cmd
		}
	}
	return append(append([]string{}, command...), args...)
}

func (i *image) workingDir(config *runtime.ContainerConfig) string {
	switch {
	case config.GetWorkingDir() != "":
		return config.GetWorkingDir()
	case i != nil && i.config.WorkingDir != "":
		return i.config.WorkingDir
	}
	return "/"
}

// snapshotOpts give a container a snapshot of its own, under its id.
func (s *Service) snapshotOpts(id string, image *image) []containerd.NewContainerOpts {
	return []containerd.NewContainerOpts{
		containerd.WithSnapshotter(s.config.Snapshotter),
		containerd.WithNewSnapshot(id, image.handle),
	}
}

// imageSpec is what the spec of a container has from its image, beside what its
// config may replace.
func imageSpec(config *runtime.ContainerConfig, image *image) []oci.SpecOpts {
	spec := []oci.SpecOpts{oci.WithEnv(image.config.Env)}
	if user := image.config.User; user != "" && user != "0" && user != "root" {
		spec = append(spec, oci.WithUser(user))
	}
	if config.GetLinux().GetSecurityContext().GetReadonlyRootfs() {
		spec = append(spec, oci.WithRootFSReadonly())
	}
	return spec
}

// deleteSnapshot deletes the root file system of a container; nil if it has none.
func (s *Service) deleteSnapshot(ctx context.Context, id string) error {
	if s.config.Snapshotter == "" {
		return nil
	}
	if err := s.client.SnapshotService(s.config.Snapshotter).Remove(ctx, id); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("failed to delete snapshot: %w", err)
	}
	return nil
}
