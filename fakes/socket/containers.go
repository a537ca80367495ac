package socket

import (
	"context"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/typeurl/v2"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// containerStore is the other side of containerd's client/containerstore.go.
type containerStore struct {
	containersapi.UnimplementedContainersServer
	store containers.Store
}

func (s containerStore) Get(ctx context.Context, r *containersapi.GetContainerRequest) (*containersapi.GetContainerResponse, error) {
	c, err := s.store.Get(ctx, r.ID)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &containersapi.GetContainerResponse{Container: containerToProto(c)}, nil
}

func (s containerStore) List(ctx context.Context, r *containersapi.ListContainersRequest) (*containersapi.ListContainersResponse, error) {
	all, err := s.store.List(ctx, r.Filters...)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	reply := &containersapi.ListContainersResponse{}
	for _, c := range all {
		reply.Containers = append(reply.Containers, containerToProto(c))
	}
	return reply, nil
}

func (s containerStore) ListStream(r *containersapi.ListContainersRequest, out containersapi.Containers_ListStreamServer) error {
	all, err := s.store.List(out.Context(), r.Filters...)
	if err != nil {
		return errgrpc.ToGRPC(err)
	}
	for _, c := range all {
		if err := out.Send(&containersapi.ListContainerMessage{Container: containerToProto(c)}); err != nil {
			return err
		}
	}
	return nil
}

func (s containerStore) Create(ctx context.Context, r *containersapi.CreateContainerRequest) (*containersapi.CreateContainerResponse, error) {
	c, err := s.store.Create(ctx, containerFromProto(r.GetContainer()))
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &containersapi.CreateContainerResponse{Container: containerToProto(c)}, nil
}

func (s containerStore) Update(ctx context.Context, r *containersapi.UpdateContainerRequest) (*containersapi.UpdateContainerResponse, error) {
	c, err := s.store.Update(ctx, containerFromProto(r.GetContainer()), r.GetUpdateMask().GetPaths()...)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &containersapi.UpdateContainerResponse{Container: containerToProto(c)}, nil
}

func (s containerStore) Delete(ctx context.Context, r *containersapi.DeleteContainerRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, errgrpc.ToGRPC(s.store.Delete(ctx, r.ID))
}

func containerToProto(c containers.Container) *containersapi.Container {
	p := &containersapi.Container{
		ID: c.ID, Labels: c.Labels, Image: c.Image,
		Runtime:     &containersapi.Container_Runtime{Name: c.Runtime.Name, Options: typeurl.MarshalProto(c.Runtime.Options)},
		Spec:        typeurl.MarshalProto(c.Spec),
		Snapshotter: c.Snapshotter, SnapshotKey: c.SnapshotKey, Sandbox: c.SandboxID,
		CreatedAt: timestamppb.New(c.CreatedAt), UpdatedAt: timestamppb.New(c.UpdatedAt),
		Extensions: map[string]*anypb.Any{},
	}
	for name, extension := range c.Extensions {
		p.Extensions[name] = typeurl.MarshalProto(extension)
	}
	return p
}

func containerFromProto(p *containersapi.Container) containers.Container {
	c := containers.Container{
		ID: p.GetID(), Labels: p.GetLabels(), Image: p.GetImage(),
		Runtime:     containers.RuntimeInfo{Name: p.GetRuntime().GetName(), Options: p.GetRuntime().GetOptions()},
		Snapshotter: p.GetSnapshotter(), SnapshotKey: p.GetSnapshotKey(), SandboxID: p.GetSandbox(),
		Extensions: map[string]typeurl.Any{},
	}
	if p.GetSpec() != nil {
		c.Spec = p.GetSpec()
	}
	for name, extension := range p.GetExtensions() {
		c.Extensions[name] = extension
	}
	return c
}
