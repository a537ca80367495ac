package fakes

import (
	"context"

	introspectionapi "github.com/containerd/containerd/api/services/introspection/v1"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/diff"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/sandbox"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/core/transfer"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Whole services without an answer. They exist because the client would
// otherwise turn to the connection that it does not have, a nil pointer.
type (
	contentStore struct{}
	imageStore   struct{}
	snapshotter  struct{}
	differ       struct{}
	introspector struct{}
	sandboxStore struct{}
	transferrer  struct{}
	mountManager struct{}
)

func (contentStore) Info(_ context.Context, d digest.Digest) (content.Info, error) {
	panic(unplanned("content.Info", d.String()))
}

func (contentStore) Update(_ context.Context, i content.Info, _ ...string) (content.Info, error) {
	panic(unplanned("content.Update", i.Digest.String()))
}

func (contentStore) Walk(context.Context, content.WalkFunc, ...string) error {
	panic(unplanned("content.Walk", ""))
}

func (contentStore) Delete(_ context.Context, d digest.Digest) error {
	panic(unplanned("content.Delete", d.String()))
}

func (contentStore) ReaderAt(_ context.Context, d ocispec.Descriptor) (content.ReaderAt, error) {
	panic(unplanned("content.ReaderAt", d.Digest.String()))
}

func (contentStore) Status(_ context.Context, ref string) (content.Status, error) {
	panic(unplanned("content.Status", ref))
}

func (contentStore) ListStatuses(context.Context, ...string) ([]content.Status, error) {
	panic(unplanned("content.ListStatuses", ""))
}

func (contentStore) Abort(_ context.Context, ref string) error {
	panic(unplanned("content.Abort", ref))
}

func (contentStore) Writer(context.Context, ...content.WriterOpt) (content.Writer, error) {
	panic(unplanned("content.Writer", ""))
}

func (imageStore) Get(_ context.Context, name string) (images.Image, error) {
	panic(unplanned("images.Get", name))
}

func (imageStore) List(context.Context, ...string) ([]images.Image, error) {
	panic(unplanned("images.List", ""))
}

func (imageStore) Create(_ context.Context, i images.Image) (images.Image, error) {
	panic(unplanned("images.Create", i.Name))
}

func (imageStore) Update(_ context.Context, i images.Image, _ ...string) (images.Image, error) {
	panic(unplanned("images.Update", i.Name))
}

func (imageStore) Delete(_ context.Context, name string, _ ...images.DeleteOpt) error {
	panic(unplanned("images.Delete", name))
}

func (snapshotter) Stat(_ context.Context, name string) (snapshots.Info, error) {
	panic(unplanned("snapshots.Stat", name))
}

func (snapshotter) Update(_ context.Context, i snapshots.Info, _ ...string) (snapshots.Info, error) {
	panic(unplanned("snapshots.Update", i.Name))
}

func (snapshotter) Usage(_ context.Context, name string) (snapshots.Usage, error) {
	panic(unplanned("snapshots.Usage", name))
}

func (snapshotter) Mounts(_ context.Context, name string) ([]mount.Mount, error) {
	panic(unplanned("snapshots.Mounts", name))
}

func (snapshotter) Prepare(_ context.Context, name, _ string, _ ...snapshots.Opt) ([]mount.Mount, error) {
	panic(unplanned("snapshots.Prepare", name))
}

func (snapshotter) View(_ context.Context, name, _ string, _ ...snapshots.Opt) ([]mount.Mount, error) {
	panic(unplanned("snapshots.View", name))
}

func (snapshotter) Commit(_ context.Context, name, _ string, _ ...snapshots.Opt) error {
	panic(unplanned("snapshots.Commit", name))
}

func (snapshotter) Remove(_ context.Context, name string) error {
	panic(unplanned("snapshots.Remove", name))
}

func (snapshotter) Walk(context.Context, snapshots.WalkFunc, ...string) error {
	panic(unplanned("snapshots.Walk", ""))
}

func (snapshotter) Close() error {
	panic(unplanned("snapshots.Close", ""))
}

func (differ) Compare(context.Context, []mount.Mount, []mount.Mount, ...diff.Opt) (ocispec.Descriptor, error) {
	panic(unplanned("diff.Compare", ""))
}

func (differ) Apply(_ context.Context, d ocispec.Descriptor, _ []mount.Mount, _ ...diff.ApplyOpt) (ocispec.Descriptor, error) {
	panic(unplanned("diff.Apply", d.Digest.String()))
}

func (introspector) Plugins(context.Context, ...string) (*introspectionapi.PluginsResponse, error) {
	panic(unplanned("introspection.Plugins", ""))
}

func (introspector) Server(context.Context) (*introspectionapi.ServerResponse, error) {
	panic(unplanned("introspection.Server", ""))
}

func (introspector) PluginInfo(_ context.Context, _, id string, _ any) (*introspectionapi.PluginInfoResponse, error) {
	panic(unplanned("introspection.PluginInfo", id))
}

func (sandboxStore) Create(_ context.Context, s sandbox.Sandbox) (sandbox.Sandbox, error) {
	panic(unplanned("sandboxes.Create", s.ID))
}

func (sandboxStore) Update(_ context.Context, s sandbox.Sandbox, _ ...string) (sandbox.Sandbox, error) {
	panic(unplanned("sandboxes.Update", s.ID))
}

func (sandboxStore) Get(_ context.Context, id string) (sandbox.Sandbox, error) {
	panic(unplanned("sandboxes.Get", id))
}

func (sandboxStore) List(context.Context, ...string) ([]sandbox.Sandbox, error) {
	panic(unplanned("sandboxes.List", ""))
}

func (sandboxStore) Delete(_ context.Context, id string) error {
	panic(unplanned("sandboxes.Delete", id))
}

func (transferrer) Transfer(context.Context, any, any, ...transfer.Opt) error {
	panic(unplanned("transfer.Transfer", ""))
}

func (mountManager) Activate(_ context.Context, name string, _ []mount.Mount, _ ...mount.ActivateOpt) (mount.ActivationInfo, error) {
	panic(unplanned("mounts.Activate", name))
}

func (mountManager) Deactivate(_ context.Context, name string) error {
	panic(unplanned("mounts.Deactivate", name))
}

func (mountManager) Info(_ context.Context, name string) (mount.ActivationInfo, error) {
	panic(unplanned("mounts.Info", name))
}

func (mountManager) Update(_ context.Context, i mount.ActivationInfo, _ ...string) (mount.ActivationInfo, error) {
	panic(unplanned("mounts.Update", i.Name))
}

func (mountManager) List(context.Context, ...string) ([]mount.ActivationInfo, error) {
	panic(unplanned("mounts.List", ""))
}
