package socket

import (
	"context"

	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/contrib/snapshotservice"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// imageStore is the other side of containerd's client/image_store.go.
type imageStore struct {
	imagesapi.UnimplementedImagesServer
	store images.Store
}

func (s imageStore) Get(ctx context.Context, r *imagesapi.GetImageRequest) (*imagesapi.GetImageResponse, error) {
	i, err := s.store.Get(ctx, r.GetName())
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &imagesapi.GetImageResponse{Image: imageToProto(i)}, nil
}

func (s imageStore) List(ctx context.Context, r *imagesapi.ListImagesRequest) (*imagesapi.ListImagesResponse, error) {
	all, err := s.store.List(ctx, r.GetFilters()...)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	reply := &imagesapi.ListImagesResponse{}
	for _, i := range all {
		reply.Images = append(reply.Images, imageToProto(i))
	}
	return reply, nil
}

func (s imageStore) Create(ctx context.Context, r *imagesapi.CreateImageRequest) (*imagesapi.CreateImageResponse, error) {
	i, err := s.store.Create(ctx, imageFromProto(r.GetImage()))
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &imagesapi.CreateImageResponse{Image: imageToProto(i)}, nil
}

func (s imageStore) Update(ctx context.Context, r *imagesapi.UpdateImageRequest) (*imagesapi.UpdateImageResponse, error) {
	i, err := s.store.Update(ctx, imageFromProto(r.GetImage()), r.GetUpdateMask().GetPaths()...)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &imagesapi.UpdateImageResponse{Image: imageToProto(i)}, nil
}

func (s imageStore) Delete(ctx context.Context, r *imagesapi.DeleteImageRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, errgrpc.ToGRPC(s.store.Delete(ctx, r.GetName()))
}

func imageToProto(i images.Image) *imagesapi.Image {
	return &imagesapi.Image{
		Name: i.Name, Labels: i.Labels, Target: oci.DescriptorToProto(i.Target),
		CreatedAt: timestamppb.New(i.CreatedAt), UpdatedAt: timestamppb.New(i.UpdatedAt),
	}
}

func imageFromProto(p *imagesapi.Image) images.Image {
	i := images.Image{Name: p.GetName(), Labels: p.GetLabels()}
	if p.GetTarget() != nil {
		i.Target = oci.DescriptorFromProto(p.GetTarget())
	}
	return i
}

// snapshotters is the service of all snapshotters: a request names its own.
type snapshotters struct {
	snapshotsapi.UnimplementedSnapshotsServer
	client *containerd.Client
}

func (s snapshotters) of(name string) snapshotsapi.SnapshotsServer {
	return snapshotservice.FromSnapshotter(s.client.SnapshotService(name))
}

func (s snapshotters) Prepare(ctx context.Context, r *snapshotsapi.PrepareSnapshotRequest) (*snapshotsapi.PrepareSnapshotResponse, error) {
	return s.of(r.GetSnapshotter()).Prepare(ctx, r)
}

func (s snapshotters) View(ctx context.Context, r *snapshotsapi.ViewSnapshotRequest) (*snapshotsapi.ViewSnapshotResponse, error) {
	return s.of(r.GetSnapshotter()).View(ctx, r)
}

func (s snapshotters) Mounts(ctx context.Context, r *snapshotsapi.MountsRequest) (*snapshotsapi.MountsResponse, error) {
	return s.of(r.GetSnapshotter()).Mounts(ctx, r)
}

func (s snapshotters) Commit(ctx context.Context, r *snapshotsapi.CommitSnapshotRequest) (*emptypb.Empty, error) {
	return s.of(r.GetSnapshotter()).Commit(ctx, r)
}

func (s snapshotters) Remove(ctx context.Context, r *snapshotsapi.RemoveSnapshotRequest) (*emptypb.Empty, error) {
	return s.of(r.GetSnapshotter()).Remove(ctx, r)
}

func (s snapshotters) Stat(ctx context.Context, r *snapshotsapi.StatSnapshotRequest) (*snapshotsapi.StatSnapshotResponse, error) {
	return s.of(r.GetSnapshotter()).Stat(ctx, r)
}

func (s snapshotters) Update(ctx context.Context, r *snapshotsapi.UpdateSnapshotRequest) (*snapshotsapi.UpdateSnapshotResponse, error) {
	return s.of(r.GetSnapshotter()).Update(ctx, r)
}

func (s snapshotters) List(r *snapshotsapi.ListSnapshotsRequest, out snapshotsapi.Snapshots_ListServer) error {
	return s.of(r.GetSnapshotter()).List(r, out)
}

func (s snapshotters) Usage(ctx context.Context, r *snapshotsapi.UsageRequest) (*snapshotsapi.UsageResponse, error) {
	return s.of(r.GetSnapshotter()).Usage(ctx, r)
}
