package images

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/plugins"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// ImageFsInfo returns what the snapshots of images and containers take, and the
// directory of the snapshotter.
func (s *Service) ImageFsInfo(ctx context.Context, _ *runtime.ImageFsInfoRequest) (_ *runtime.ImageFsInfoResponse, retErr error) {
	defer func() { retErr = errgrpc.ToGRPC(retErr) }()
	ctx = s.withNamespace(ctx)
	snapshotter := s.client.SnapshotService(s.config.Snapshotter)
	var used snapshots.Usage
	err := snapshotter.Walk(ctx, func(ctx context.Context, info snapshots.Info) error {
		usage, err := snapshotter.Usage(ctx, info.Name)
		if errdefs.IsNotFound(err) {
			return nil // removed meanwhile
		}
		used.Add(usage)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("failed to measure snapshots: %w", err)
	}
	plugins, err := s.client.IntrospectionService().Plugins(ctx,
		fmt.Sprintf("type==%s,id==%s", plugins.SnapshotPlugin, s.config.Snapshotter))
	if err != nil {
		return nil, fmt.Errorf("failed to ask for snapshotter %q: %w", s.config.Snapshotter, err)
	}
	usage := &runtime.FilesystemUsage{
		Timestamp:  time.Now().UnixNano(),
		FsId:       &runtime.FilesystemIdentifier{},
		UsedBytes:  &runtime.UInt64Value{Value: uint64(used.Size)},
		InodesUsed: &runtime.UInt64Value{Value: uint64(used.Inodes)},
	}
	for _, p := range plugins.GetPlugins() {
		usage.FsId.Mountpoint = p.GetExports()["root"]
	}
	all := []*runtime.FilesystemUsage{usage}
	return &runtime.ImageFsInfoResponse{ImageFilesystems: all, ContainerFilesystems: all}, nil
}
