package impl

import (
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/errdefs"
	"github.com/containerd/typeurl/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is written says its version, and only that version is read.
func TestVersions(t *testing.T) {
	data, err := Status{CreatedAt: 1}.encode()
	require.NoError(t, err)
	assert.Contains(t, string(data), `"Version":"v1"`)
	status, err := decodeStatus(data)
	require.NoError(t, err)
	assert.Equal(t, Status{CreatedAt: 1}, status)
	for _, version := range []string{"v2", "v0", ""} {
		_, err := decodeStatus([]byte(strings.Replace(string(data), "v1", version, 1)))
		require.ErrorContains(t, err, "unsupported version", "%q", version)
		require.ErrorIs(t, err, errdefs.ErrNotImplemented)
	}

	for version, known := range map[string]bool{metadataVersion: true, "v2": false, "": false} {
		ext, err := typeurl.MarshalAny(&metadata{Version: version, ID: "c", Name: "name"})
		require.NoError(t, err)
		meta, err := decodeMetadata(containers.Container{ID: "c", Extensions: map[string]typeurl.Any{metadataExtension: ext}})
		if known {
			require.NoError(t, err)
			assert.Equal(t, "name", meta.Name)
			continue
		}
		require.ErrorIs(t, err, errdefs.ErrNotImplemented, "%q", version)
		assert.Equal(t, metadata{ID: "c", Name: "c"}, meta, "it can be represented nevertheless")
	}
}
