package images_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/impl/images"
	"github.com/startrace/startrace/internal/registry"
)

// world is a service on the fake containerd, and a registry with images: all tags
// of a repository are one image, whose user is the name of the repository.
type world struct {
	t   *testing.T
	ctx context.Context
	at  string // address of the registry
	*images.Service
}

func newWorld(t *testing.T) *world {
	server := httptest.NewServer(registry.Handler(func(repository, _ string) *registry.Image {
		image, err := registry.New(ocispec.ImageConfig{User: repository}, []registry.File{{Name: "etc/", Mode: 0o755}})
		require.NoError(t, err)
		return image
	}))
	t.Cleanup(server.Close)
	client, err := fakes.New(fakes.Options{}).Client()
	require.NoError(t, err)
	s, err := images.New(images.Config{Client: client, Namespace: fakes.Namespace, Snapshotter: "overlayfs"})
	require.NoError(t, err)
	return &world{t, t.Context(), strings.TrimPrefix(server.URL, "http://"), s}
}

func spec(ref string) *runtime.ImageSpec { return &runtime.ImageSpec{Image: ref} }

func (w *world) pull(ref string) string {
	r, err := w.PullImage(w.ctx, &runtime.PullImageRequest{Image: spec(ref)})
	require.NoError(w.t, err)
	return r.GetImageRef()
}

func (w *world) status(ref string) *runtime.Image {
	r, err := w.ImageStatus(w.ctx, &runtime.ImageStatusRequest{Image: spec(ref)})
	require.NoError(w.t, err)
	return r.GetImage()
}

func (w *world) list(ref string) []*runtime.Image {
	r, err := w.ListImages(w.ctx, &runtime.ListImagesRequest{Filter: &runtime.ImageFilter{Image: spec(ref)}})
	require.NoError(w.t, err)
	return r.GetImages()
}

// An image has one id, which all its names lead to, and goes with all of them.
func TestImages(t *testing.T) {
	w := newWorld(t)
	id := w.pull(w.at + "/7:a")
	assert.Equal(t, id, w.pull(w.at+"/7:b"))
	latest := w.pull(w.at + "/nobody")
	assert.NotEqual(t, id, latest)

	image := w.status(id)
	assert.Equal(t, id, image.GetId())
	assert.Equal(t, []string{w.at + "/7:a", w.at + "/7:b"}, image.GetRepoTags())
	require.Len(t, image.GetRepoDigests(), 1)
	assert.Positive(t, image.GetSize())
	assert.EqualValues(t, 7, image.GetUid().GetValue())
	for _, ref := range []string{w.at + "/7:b", image.GetRepoDigests()[0], strings.TrimPrefix(id, "sha256:")} {
		assert.Equal(t, image, w.status(ref), ref)
	}
	other := w.status(w.at + "/nobody:latest")
	assert.Nil(t, other.GetUid())
	assert.Equal(t, "nobody", other.GetUsername())
	assert.Len(t, w.list(""), 2)
	assert.Equal(t, []*runtime.Image{other}, w.list(latest))

	_, err := w.RemoveImage(w.ctx, &runtime.RemoveImageRequest{Image: spec(w.at + "/7:a")})
	require.NoError(t, err)
	assert.Nil(t, w.status(w.at+"/7:b"))
	assert.Len(t, w.list(""), 1)
	_, err = w.RemoveImage(w.ctx, &runtime.RemoveImageRequest{Image: spec(id)})
	require.NoError(t, err, "it counts as removed")

	digested := w.pull(other.GetRepoDigests()[0])
	assert.Equal(t, latest, digested)
	assert.Equal(t, []string{w.at + "/nobody:latest"}, w.status(latest).GetRepoTags())

	info, err := w.ImageFsInfo(w.ctx, &runtime.ImageFsInfoRequest{})
	require.NoError(t, err)
	require.Len(t, info.GetImageFilesystems(), 1)
	assert.Positive(t, info.GetImageFilesystems()[0].GetTimestamp())
}

func TestErrors(t *testing.T) {
	w := newWorld(t)
	_, err := w.PullImage(w.ctx, &runtime.PullImageRequest{Image: spec("UPPER")})
	assert.True(t, errdefs.IsInvalidArgument(errgrpc.ToNative(err)), err)
	_, err = w.PullImage(w.ctx, &runtime.PullImageRequest{Image: spec("a"), Auth: &runtime.AuthConfig{RegistryToken: "t"}})
	assert.Equal(t, codes.Unimplemented, status.Code(err), err)
	ctx, cancel := context.WithDeadline(w.ctx, time.Now())
	defer cancel()
	_, err = w.PullImage(ctx, &runtime.PullImageRequest{Image: spec(w.at + "/7:a")})
	assert.Equal(t, codes.DeadlineExceeded, status.Code(err), err)
	_, err = images.New(images.Config{})
	assert.True(t, errdefs.IsInvalidArgument(err), err)
}
