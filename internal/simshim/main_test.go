package simshim_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/startrace/startrace/internal/simshim"
)

func TestMainAnswers(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, simshim.Main([]string{"-info"}, &out))
	assert.Empty(t, out.String())
	require.ErrorContains(t, simshim.Main([]string{"restart"}, &out), `"restart"`)
	require.ErrorContains(t, simshim.Main([]string{"-no-such-flag"}, &out), "no-such-flag")
	require.Error(t, simshim.Main([]string{"-id", "c", "start"}, &out), "no bundle here")

	address := filepath.Join(t.TempDir(), "containerd.sock")
	require.NoError(t, simshim.Main([]string{"-namespace", "ns", "-id", "c", "-address", address, "delete"}, &out))
	var answer taskapi.DeleteResponse
	require.NoError(t, proto.Unmarshal(out.Bytes(), &answer))
	assert.EqualValues(t, 137, answer.ExitStatus)
	entries, err := os.ReadDir(filepath.Dir(address))
	require.NoError(t, err)
	assert.Empty(t, entries)
}
