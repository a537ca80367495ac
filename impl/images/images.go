package images

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Config says where a Service works. All but Hosts is required.
type Config struct {
	Client      *containerd.Client
	Namespace   string
	Snapshotter string // into which images are unpacked
	// Hosts returns where the images of a registry are to be had; nil: at that
	// registry, over HTTP if it is on this machine.
	Hosts docker.RegistryHosts
}

// Service implements the CRI image service. Its methods are safe for concurrent
// use. Errors are gRPC statuses.
type Service struct {
	runtime.UnimplementedImageServiceServer

	config Config
	client *containerd.Client
}

var _ runtime.ImageServiceServer = (*Service)(nil)

// New returns a service, which needs no end.
func New(cfg Config) (*Service, error) {
	if cfg.Client == nil || cfg.Namespace == "" || cfg.Snapshotter == "" {
		return nil, fmt.Errorf("client, namespace and snapshotter are required: %w", errdefs.ErrInvalidArgument)
	}
	return &Service{config: cfg, client: cfg.Client}, nil
}

// PullImage pulls an image and unpacks it, and returns its id. An image that is
// there is pulled again: its name may be that of another one by now.
func (s *Service) PullImage(ctx context.Context, r *runtime.PullImageRequest) (_ *runtime.PullImageResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	name, err := normalize(r.GetImage().GetImage())
	if err != nil {
		return nil, err
	}
	opts := []containerd.RemoteOpt{containerd.WithPullUnpack, containerd.WithPullSnapshotter(s.config.Snapshotter)}
	resolver, err := s.resolver(r.GetAuth())
	if err != nil {
		return nil, err
	}
	image, err := s.client.Pull(ctx, name, append(opts, containerd.WithResolver(resolver))...)
	if err == nil {
		config, err := image.Config(ctx)
		if err != nil {
			return nil, fmt.Errorf("failed to read image %q: %w", name, err)
		}
		return &runtime.PullImageResponse{ImageRef: config.Digest.String()}, nil
	}
	if ctx.Err() != nil {
		err = ctx.Err() // what the transport makes of it differs
	}
	return nil, fmt.Errorf("failed to pull image %q: %w", name, err)
}

// resolver returns what finds and fetches images, with the credentials of a request.
func (s *Service) resolver(auth *runtime.AuthConfig) (remotes.Resolver, error) {
	if auth.GetAuth() != "" || auth.GetIdentityToken() != "" || auth.GetRegistryToken() != "" {
		return nil, fmt.Errorf("credentials other than a user name and a password: %w", errdefs.ErrNotImplemented)
	}
	authorizer := docker.NewDockerAuthorizer(docker.WithAuthCreds(func(string) (user, password string, _ error) {
		return auth.GetUsername(), auth.GetPassword(), nil
	}))
	hosts := s.config.Hosts
	if hosts == nil {
		hosts = docker.ConfigureDefaultRegistries(
			docker.WithPlainHTTP(docker.MatchLocalhost), docker.WithAuthorizer(authorizer))
	}
	return docker.NewResolver(docker.ResolverOptions{Hosts: hosts}), nil
}

// ListImages returns the images, or the one that the filter names, in the order of
// their first names.
func (s *Service) ListImages(ctx context.Context, r *runtime.ListImagesRequest) (_ *runtime.ListImagesResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	all, err := list(ctx, s.client)
	if err != nil {
		return nil, err
	}
	response := &runtime.ListImagesResponse{}
	ref := r.GetFilter().GetImage().GetImage()
	for _, image := range all {
		if ref != "" && !image.is(ref) {
			continue
		}
		described, err := image.describe(ctx)
		if errdefs.IsNotFound(err) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		response.Images = append(response.Images, described)
	}
	return response, nil
}

// ImageStatus returns an image; none, and no error, if it is not there.
func (s *Service) ImageStatus(ctx context.Context, r *runtime.ImageStatusRequest) (_ *runtime.ImageStatusResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	image, err := Find(ctx, s.client, r.GetImage().GetImage())
	var described *runtime.Image
	if err == nil {
		described, err = image.describe(ctx)
	}
	if err != nil && !errdefs.IsNotFound(err) {
		return nil, err
	}
	return &runtime.ImageStatusResponse{Image: described}, nil
}

// describe returns an image as the CRI has it.
func (i *Image) describe(ctx context.Context) (*runtime.Image, error) {
	first := i.Names[0]
	spec, err := first.Spec(ctx)
	if err != nil {
		return nil, fmt.Errorf("failed to read image %q: %w", first.Name(), err)
	}
	size, err := first.Size(ctx)
	if err != nil {
		return nil, fmt.Errorf("failed to measure image %q: %w", first.Name(), err)
	}
	r := &runtime.Image{Id: i.ID, Size: uint64(size), Spec: &runtime.ImageSpec{Image: i.ID}}
	r.RepoTags, r.RepoDigests = i.references()
	user, _, _ := strings.Cut(spec.Config.User, ":")
	if uid, err := strconv.ParseInt(user, 10, 64); err == nil {
		r.Uid = &runtime.Int64Value{Value: uid}
	} else {
		r.Username = user
	}
	return r, nil
}

// RemoveImage removes an image with all its names, and what nothing else needs of
// its content. One that is not there counts as removed.
func (s *Service) RemoveImage(ctx context.Context, r *runtime.RemoveImageRequest) (_ *runtime.RemoveImageResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	image, err := Find(ctx, s.client, r.GetImage().GetImage())
	if errdefs.IsNotFound(err) {
		return &runtime.RemoveImageResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	var errs []error
	for n, record := range image.Names {
		var opts []images.DeleteOpt
		if n == len(image.Names)-1 {
			opts = append(opts, images.SynchronousDelete())
		}
		if err := s.client.ImageService().Delete(ctx, record.Name(), opts...); err != nil && !errdefs.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("failed to remove image %q: %w", record.Name(), err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &runtime.RemoveImageResponse{}, nil
}

func (s *Service) withNamespace(ctx context.Context) context.Context {
	return namespaces.WithNamespace(ctx, s.config.Namespace)
}
