package blackbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/serve"
)

// The endpoints of [StartPrivate].
const (
	Containerd24  = "containerd@2.4.2"  // containerd's own CRI plugin
	Containerd16  = "containerd@1.6.20" // the same of the package of Debian 12
	Reference24   = "startrace@2.4.2"   // the reference in front of that containerd
	Reference16   = "startrace@1.6.20"
	debianRelease = "1.6.20"
)

// ErrUnknown is returned for the name of an endpoint that StartPrivate does not know.
var ErrUnknown = errors.New("a private endpoint is " + strings.Join([]string{Containerd24, Containerd16, Reference24, Reference16}, ", "))

// Private is an endpoint of one's own.
type Private struct {
	daemon *daemon.Daemon
	opts   Options
	dir    string
	stop   func() error
}

// StartPrivate starts the endpoint called name, which has its images from images.
// ctx limits the start only. logf receives progress; nil discards.
func StartPrivate(ctx context.Context, name string, images *Images, logf func(string, ...any)) (_ *Private, err error) {
	kind, release, _ := strings.Cut(name, "@")
	opts := daemon.Options{Logf: logf}
	switch name {
	case Containerd24, Reference24:
	case Containerd16, Reference16:
		var version string
		opts.Binary, version, err = daemon.Debian(ctx, logf)
		if err == nil && version != debianRelease {
			err = fmt.Errorf("%w %s: the distribution has %s", daemon.ErrNoPackage, release, version)
		}
		if err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%w, not %q", ErrUnknown, name)
	}
	if kind == "containerd" {
		opts.SandboxImage = images.Name()
	}
	p := &Private{stop: func() error { return nil }}
	if p.daemon, err = daemon.Start(ctx, opts); err != nil {
		return nil, err
	}
	p.opts = Options{Endpoint: p.daemon.Address(), Image: images.Name(), CgroupParent: p.daemon.CgroupParent()}
	if kind == "containerd" {
		return p, nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Stop())
		}
	}()
	if p.dir, err = os.MkdirTemp("", "startrace-cri-"); err != nil {
		return nil, fmt.Errorf("blackbox: %w", err)
	}
	return p, p.serve(ctx, images)
}

// serve has the reference serve in this process.
func (p *Private) serve(ctx context.Context, images *Images) error {
	runtimeName, runtimeOptions := p.daemon.Runtime()
	p.opts.Endpoint, p.opts.CgroupParent = filepath.Join(p.dir, "cri.sock"), ""
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- serve.Run(serving, serve.Options{
			Listen: p.opts.Endpoint, Containerd: p.daemon.Address(), Namespace: p.daemon.Namespace(),
			Root: filepath.Join(p.dir, "root"), Runtime: runtimeName, RuntimeOptions: runtimeOptions,
			Mirror: images.URL(),
		}, func() { close(ready) })
	}()
	select {
	case <-ready:
		p.stop = func() error {
			cancel()
			return <-ended
		}
		return nil
	case err := <-ended:
		cancel()
		return err
	}
}

// Options are those to open the endpoint with.
func (p *Private) Options() Options { return p.opts }

// Stop ends the endpoint and removes everything of it. It reports what it could not
// remove.
func (p *Private) Stop() error {
	err := p.stop()
	p.stop = func() error { return nil }
	err = errors.Join(err, p.daemon.Stop())
	if p.dir != "" {
		err = errors.Join(err, os.RemoveAll(p.dir))
	}
	census, lookErr := p.daemon.Census(context.Background())
	if lookErr == nil && !census.Empty() {
		lookErr = fmt.Errorf("blackbox: left behind:\n%s", census)
	}
	return errors.Join(err, lookErr)
}
