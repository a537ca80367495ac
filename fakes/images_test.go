package fakes

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/sandbox"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// archive is an image of one empty layer, as Import takes it.
func archive(t testing.TB, name string) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	put := func(path string, data []byte) {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg}))
		_, err := w.Write(data)
		require.NoError(t, err)
	}
	blob := func(mediaType string, v any) ocispec.Descriptor {
		data, ok := v.([]byte)
		if !ok {
			var err error
			data, err = json.Marshal(v)
			require.NoError(t, err)
		}
		d := digest.FromBytes(data)
		put("blobs/sha256/"+d.Encoded(), data)
		return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(data))}
	}
	layer := blob(ocispec.MediaTypeImageLayer, make([]byte, 1024)) // an empty tar
	config := blob(ocispec.MediaTypeImageConfig, ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		Config:   ocispec.ImageConfig{Cmd: []string{"/hello"}, Env: []string{IgnoreTerm + "=1"}},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{layer.Digest}},
	})
	manifest := blob(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: config, Layers: []ocispec.Descriptor{layer},
	})
	manifest.Annotations = map[string]string{images.AnnotationImageName: name}
	index, err := json.Marshal(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: []ocispec.Descriptor{manifest},
	})
	require.NoError(t, err)
	put("index.json", index)
	put("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	require.NoError(t, w.Close())
	return &out
}

// The client's ordinary way from an image to a process works.
func TestContainerOfImage(t *testing.T) {
	const name = "example.org/hello:1"
	w := newWorld(t, Options{})
	imported, err := w.client.Import(w.ctx, archive(t, name))
	require.NoError(t, err)
	require.Len(t, imported, 1)
	image, err := w.client.GetImage(w.ctx, name)
	require.NoError(t, err)
	unpacked, err := image.IsUnpacked(w.ctx, "native")
	require.NoError(t, err)
	assert.False(t, unpacked)
	require.NoError(t, image.Unpack(w.ctx, "native"))
	unpacked, err = image.IsUnpacked(w.ctx, "native")
	require.NoError(t, err)
	assert.True(t, unpacked)

	c, err := w.client.NewContainer(w.ctx, "c1",
		containerd.WithImage(image), containerd.WithSnapshotter("native"), containerd.WithNewSnapshot("s1", image),
		containerd.WithNewSpec(oci.WithImageConfig(image)))
	require.NoError(t, err)
	spec, err := c.Spec(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"/hello"}, spec.Process.Args)
	task, err := c.NewTask(w.ctx, cio.NullIO)
	require.NoError(t, err)
	require.NoError(t, task.Start(w.ctx))
	_, err = task.Delete(w.ctx, containerd.WithProcessKill)
	require.NoError(t, err)
	require.NoError(t, c.Delete(w.ctx, containerd.WithSnapshotCleanup))
	_, err = w.client.SnapshotService("native").Stat(w.ctx, "s1")
	require.ErrorIs(t, err, errdefs.ErrNotFound)

	list, err := w.client.ListImages(w.ctx, "name=="+name)
	require.NoError(t, err)
	assert.Len(t, list, 1)
	store := w.client.ImageService()
	got, err := store.Update(w.ctx, images.Image{Name: name, Labels: map[string]string{"k": "v"}}, "labels.k")
	require.NoError(t, err)
	assert.Equal(t, "v", got.Labels["k"])
	_, err = store.Create(w.ctx, got)
	require.ErrorIs(t, err, errdefs.ErrAlreadyExists)
	_, err = store.Create(w.ctx, images.Image{Name: "x"})
	require.ErrorIs(t, err, errdefs.ErrInvalidArgument)
	require.NoError(t, store.Delete(w.ctx, name))
	require.ErrorIs(t, store.Delete(w.ctx, name), errdefs.ErrNotFound)
}

func TestContentStore(t *testing.T) {
	w := newWorld(t, Options{})
	s := w.client.ContentStore()
	data := []byte("hello")
	desc := ocispec.Descriptor{Digest: digest.FromBytes(data), Size: int64(len(data))}
	require.NoError(t, content.WriteBlob(w.ctx, s, "r1", bytes.NewReader(data), desc, content.WithLabels(map[string]string{"a": "1"})))
	got, err := content.ReadBlob(w.ctx, s, desc)
	require.NoError(t, err)
	assert.Equal(t, data, got)
	info, err := s.Update(w.ctx, content.Info{Digest: desc.Digest, Labels: map[string]string{"b": "2"}}, "labels.b")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"a": "1", "b": "2"}, info.Labels)
	_, err = s.Update(w.ctx, info, "size")
	require.ErrorIs(t, err, errdefs.ErrInvalidArgument)
	seen := 0
	require.NoError(t, s.Walk(w.ctx, func(content.Info) error { seen++; return nil }, "labels.a==1"))
	assert.Equal(t, 1, seen)

	writer, err := s.Writer(w.ctx, content.WithRef("r2"))
	require.NoError(t, err)
	_, err = writer.Write([]byte("hello!"))
	require.NoError(t, err)
	statuses, err := s.ListStatuses(w.ctx, "^r")
	require.NoError(t, err)
	require.Len(t, statuses, 1)
	assert.EqualValues(t, 6, statuses[0].Offset)
	require.ErrorIs(t, writer.Commit(w.ctx, 5, ""), errdefs.ErrFailedPrecondition)
	require.NoError(t, writer.Truncate(5))
	require.ErrorIs(t, writer.Commit(w.ctx, 5, desc.Digest), errdefs.ErrAlreadyExists)
	require.ErrorIs(t, s.Abort(w.ctx, "r2"), errdefs.ErrNotFound, "Commit has closed it")
	_, err = s.Writer(w.ctx, content.WithRef("r3"), content.WithDescriptor(desc))
	require.ErrorIs(t, err, errdefs.ErrAlreadyExists)
	require.NoError(t, s.Delete(w.ctx, desc.Digest))
	_, err = s.Info(w.ctx, desc.Digest)
	require.ErrorIs(t, err, errdefs.ErrNotFound)
}

func TestSnapshots(t *testing.T) {
	w := newWorld(t, Options{})
	s := w.client.SnapshotService("overlayfs")
	mounts, err := s.Prepare(w.ctx, "a", "")
	require.NoError(t, err)
	assert.Len(t, mounts, 1)
	_, err = s.Prepare(w.ctx, "a", "")
	require.ErrorIs(t, err, errdefs.ErrAlreadyExists)
	_, err = s.Prepare(w.ctx, "b", "a")
	require.ErrorIs(t, err, errdefs.ErrInvalidArgument, "the parent is not committed")
	require.NoError(t, s.Commit(w.ctx, "base", "a", snapshots.WithLabels(map[string]string{"k": "v"})))
	require.ErrorIs(t, s.Commit(w.ctx, "base2", "a"), errdefs.ErrNotFound)
	_, err = s.View(w.ctx, "v", "base")
	require.NoError(t, err)
	require.ErrorIs(t, s.Commit(w.ctx, "x", "v"), errdefs.ErrFailedPrecondition)
	require.ErrorIs(t, s.Remove(w.ctx, "base"), errdefs.ErrFailedPrecondition, "it has a child")
	_, err = s.Mounts(w.ctx, "base")
	require.ErrorIs(t, err, errdefs.ErrFailedPrecondition)
	_, err = s.Mounts(w.ctx, "v")
	require.NoError(t, err)
	_, err = s.Usage(w.ctx, "absent")
	require.ErrorIs(t, err, errdefs.ErrNotFound)
	info, err := s.Update(w.ctx, snapshots.Info{Name: "base", Labels: map[string]string{"l": "w"}}, "labels.l")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"k": "v", "l": "w"}, info.Labels)
	var names []string
	require.NoError(t, s.Walk(w.ctx, func(_ context.Context, i snapshots.Info) error {
		names = append(names, i.Name)
		return nil
	}))
	assert.Equal(t, []string{"base", "v"}, names)
	_, err = w.client.SnapshotService("native").Stat(w.ctx, "base")
	require.ErrorIs(t, err, errdefs.ErrNotFound, "another snapshotter")
	require.NoError(t, s.Remove(w.ctx, "v"))
	require.NoError(t, s.Remove(w.ctx, "base"))
}

func TestSandboxStore(t *testing.T) {
	w := newWorld(t, Options{})
	s := w.client.SandboxStore()
	_, err := s.Create(w.ctx, sandbox.Sandbox{ID: "p1", Runtime: sandbox.RuntimeOpts{Name: "r"}, Labels: map[string]string{"k": "v"}})
	require.NoError(t, err)
	_, err = s.Create(w.ctx, sandbox.Sandbox{ID: "p1"})
	require.ErrorIs(t, err, errdefs.ErrAlreadyExists)
	_, err = s.Update(w.ctx, sandbox.Sandbox{ID: "p1"})
	require.ErrorIs(t, err, errdefs.ErrInvalidArgument, "the runtime is immutable")
	_, err = s.Update(w.ctx, sandbox.Sandbox{ID: "p1", Labels: map[string]string{"l": "w"}}, "labels.l")
	require.NoError(t, err)
	all, err := s.List(w.ctx, "labels.l==w")
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, map[string]string{"k": "v", "l": "w"}, all[0].Labels)
	require.NoError(t, s.Delete(w.ctx, "p1"))
	require.ErrorIs(t, s.Delete(w.ctx, "p1"), errdefs.ErrNotFound)
	_, err = s.Get(w.ctx, "p1")
	require.ErrorIs(t, err, errdefs.ErrNotFound)
}

func TestNamespaceStore(t *testing.T) {
	w := newWorld(t, Options{})
	s := w.client.NamespaceService()
	require.NoError(t, s.Create(w.ctx, "b", map[string]string{"k": "v"}))
	require.ErrorIs(t, s.Create(w.ctx, "b", nil), errdefs.ErrAlreadyExists)
	w.container(t, "c1")
	names, err := s.List(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"b", Namespace}, names)
	require.NoError(t, s.SetLabel(w.ctx, "b", "l", "w"))
	require.NoError(t, s.SetLabel(w.ctx, "b", "k", ""))
	labels, err := s.Labels(w.ctx, "b")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"l": "w"}, labels)
	require.ErrorIs(t, s.Delete(w.ctx, Namespace), errdefs.ErrFailedPrecondition, "a container is in it")
	require.NoError(t, s.Delete(w.ctx, "b"))
	require.ErrorIs(t, s.Delete(w.ctx, "b"), errdefs.ErrNotFound)
}

func TestIntrospection(t *testing.T) {
	w := newWorld(t, Options{})
	platforms, err := w.client.GetSnapshotterSupportedPlatforms(w.ctx, "overlayfs")
	require.NoError(t, err)
	assert.True(t, platforms.Match(ocispec.Platform{OS: "linux", Architecture: "amd64"}))
	r, err := w.client.IntrospectionService().Server(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, serverID, r.UUID)
}
