package cli

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/fakes/socket"
)

// The command serves in front of the fake containerd until it is interrupted.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	containerd, listen := filepath.Join(dir, "containerd"), filepath.Join(dir, "cri")
	l, err := net.Listen("unix", containerd)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- socket.Serve(ctx, fakes.New(fakes.Options{}), l) }()
	defer func() {
		cancel()
		require.NoError(t, <-ended)
	}()
	type result struct {
		code      int
		out, errs string
	}
	done := make(chan result, 1)
	go func() {
		code, out, errs := run("serve", "--listen", "unix://"+listen, "--containerd", "unix://"+containerd, "--root", filepath.Join(dir, "root"))
		done <- result{code, out, errs}
	}()
	conn, err := grpc.NewClient("unix://"+listen, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	cri := runtime.NewRuntimeServiceClient(conn)
	require.Eventually(t, func() bool {
		version, err := cri.Version(ctx, &runtime.VersionRequest{}, grpc.WaitForReady(true))
		return err == nil && version.GetRuntimeName() == "startrace"
	}, time.Minute, 10*time.Millisecond)

	code, _, errs := run("serve", "--listen", "unix://"+listen, "--containerd", "unix://"+containerd, "--root", filepath.Join(dir, "root2"))
	assert.Equal(t, exitEnvironment, code)
	assert.Contains(t, errs, "in use: another process serves on it")

	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
	got := <-done
	assert.Equal(t, exitExpected, got.code, got.errs)
	assert.Equal(t, "serving the CRI on "+listen+"\n", got.out)
}

func TestServeUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--listen", "tcp://localhost:1"}, `--listen is unix://PATH, got "tcp://localhost:1"`},
		{[]string{"--listen", "unix:///s", "--containerd", "/c"}, `--containerd is unix://PATH, got "/c"`},
		{[]string{"--listen", "unix:///s"}, "either --containerd or --private says which containerd"},
		{[]string{"--listen", "unix:///s", "--private", "3"}, `--private is 2.4.2 or 1.6.20, got "3"`},
		{[]string{"--listen", "unix:///s", "--private", "2.4.2", "--root", "/r"}, "--private has a namespace and directories of its own"},
		{[]string{"--listen", "unix:///s", "--containerds", "unix:///c"}, "flag provided but not defined: -containerds"},
		{[]string{"--listen", "unix:///s", "--containerd", "unix:///c", "more"}, `startrace serve takes no arguments, got "more"`},
	} {
		code, _, errs := run(append([]string{"serve"}, test.args...)...)
		assert.Equal(t, exitUsage, code, errs)
		assert.Contains(t, errs, test.want)
	}
	code, _, errs := run("serve", "--listen", "unix:///absent/s", "--containerd", "unix:///absent/c")
	assert.Equal(t, exitEnvironment, code, errs)
	assert.Contains(t, errs, "no containerd serves there")
}

// The release that --private names is the one that is built.
func TestServePrivateRelease(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join("..", "..", "tools", "go.mod"))
	require.NoError(t, err)
	assert.Contains(t, string(mod), "github.com/containerd/containerd/v2 v"+privatePinned+" ")
}
