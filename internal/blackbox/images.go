package blackbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/startrace/startrace/internal/initproc"
	"github.com/startrace/startrace/internal/registry"
)

const headerTimeout = 10 * time.Second // for a client of the registry to say what it wants

// Images is a read-only registry on a loopback address with one image, that of the
// container process. Close ends it.
type Images struct {
	server *http.Server
	addr   string
	served chan struct{} // closed when nothing serves any more
}

// ServeImages builds the image and serves it until Close.
func ServeImages(ctx context.Context) (*Images, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	image, err := buildImage(ctx, l.Addr().String())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s := &Images{addr: l.Addr().String(), served: make(chan struct{}), server: &http.Server{
		Handler:           registry.Handler(func(string, string) *registry.Image { return image }),
		ReadHeaderTimeout: headerTimeout,
	}}
	go func() {
		defer close(s.served)
		_ = s.server.Serve(l) // it ends with Close; a client notices whatever else there is
	}()
	return s, nil
}

// buildImage makes an image that is no other's: an endpoint that removes one removes
// all of the same content.
func buildImage(ctx context.Context, addr string) (*registry.Image, error) {
	dir, err := os.MkdirTemp("", "startrace-image-")
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := initproc.BuildRootfs(ctx, dir); err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(dir, initproc.Path))
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	files := []registry.File{{Name: initproc.Path[1:], Mode: 0o755, Data: data}}
	for _, name := range []string{"dev/", "etc/", "proc/", "run/", "sys/", "tmp/"} {
		files = append(files, registry.File{Name: name, Mode: 0o755})
	}
	return registry.New(ocispec.ImageConfig{
		Entrypoint: []string{initproc.Path}, WorkingDir: "/",
		Labels: map[string]string{label: fmt.Sprintf("%s %d %d", addr, os.Getpid(), time.Now().UnixNano())},
	}, files)
}

// Name is the name of the image for endpoints on this machine.
func (s *Images) Name() string { return s.addr + "/startrace/init:1" }

// URL is that of the registry.
func (s *Images) URL() string { return "http://" + s.addr }

// Close ends the registry.
func (s *Images) Close() error {
	err := s.server.Close()
	<-s.served
	return err
}
