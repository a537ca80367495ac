package registry_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/internal/registry"
)

// containerd's client pulls an image, by tag and by digest, and imports the same.
func TestImage(t *testing.T) {
	image, err := registry.New(ocispec.ImageConfig{Cmd: []string{"/hello"}}, []registry.File{
		{Name: "etc/", Mode: 0o755}, {Name: "etc/hello", Mode: 0o644, Data: []byte("hello")}, {Name: "hello", Link: "etc/hello"},
	})
	require.NoError(t, err)
	server := httptest.NewServer(registry.Handler(func(repository, tag string) *registry.Image {
		if repository == "some/hello" && tag == "1" {
			return image
		}
		return nil
	}))
	t.Cleanup(server.Close)
	client, err := fakes.New(fakes.Options{}).Client()
	require.NoError(t, err)
	ctx := namespaces.WithNamespace(context.Background(), fakes.Namespace)

	name := strings.TrimPrefix(server.URL, "http://") + "/some/hello"
	_, err = client.Pull(ctx, name+":2", containerd.WithPullUnpack)
	require.ErrorContains(t, err, "not found")
	pulled, err := client.Pull(ctx, name+":1", containerd.WithPullUnpack)
	require.NoError(t, err)
	assert.Equal(t, image.Digest(), pulled.Target().Digest)
	spec, err := pulled.Spec(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"/hello"}, spec.Config.Cmd)
	_, err = client.Pull(ctx, name+"@"+image.Digest().String())
	require.NoError(t, err)

	archive, err := image.Archive("example.org/hello:1")
	require.NoError(t, err)
	imported, err := client.Import(ctx, archive)
	require.NoError(t, err)
	require.Len(t, imported, 1)
	assert.Equal(t, image.Digest(), imported[0].Target.Digest)
	assert.Equal(t, "example.org/hello:1", imported[0].Name)
}
