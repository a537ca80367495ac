package nightly

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	containerd "github.com/containerd/containerd/v2/client"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/scenarios"
)

// target is the containerd that is run on.
type target struct {
	opts    daemon.Options
	daemon  *daemon.Daemon
	client  *containerd.Client
	version string
	known   map[Leftover]bool // what is left of earlier rounds
}

// openTarget starts a private daemon, or finds the one at an address. The error says
// what is missing.
func openTarget(ctx context.Context, opts daemon.Options) (*target, error) {
	t := &target{opts: opts}
	return t, t.open(ctx)
}

func (t *target) open(ctx context.Context) (err error) {
	t.known = map[Leftover]bool{}
	if t.daemon, err = daemon.Start(ctx, t.opts); err != nil {
		return err
	}
	if t.client, err = t.daemon.Client(); err == nil {
		var v containerd.Version
		v, err = t.client.Version(ctx)
		t.version = v.Version
	}
	if err != nil {
		return errors.Join(fmt.Errorf("containerd does not answer: %w", err), t.close(ctx))
	}
	return nil
}

// errLeft is that of close if something is left of the daemon.
var errLeft = errors.New("left when the daemon was stopped")

// close stops a private daemon, removes everything of the others, and looks whether
// that is so.
func (t *target) close(ctx context.Context) error {
	var err error
	if t.client != nil {
		err = t.client.Close()
	}
	if err = errors.Join(err, t.daemon.Stop()); err != nil {
		return err
	}
	c, err := t.daemon.Census(ctx)
	if err == nil && !c.Empty() {
		err = fmt.Errorf("%w:\n%s", errLeft, c)
	}
	return err
}

// What is left of earlier rounds costs memory until the daemon is replaced, a process
// most: 10 MB for a shim.
const (
	processCost = 20
	mostCost    = 400
)

// renew replaces the daemon if much is left of earlier rounds, or if force is set and
// there is anything. At an address it empties the namespace and takes another one.
func (t *target) renew(ctx context.Context, force bool) error {
	cost := 0
	for l := range t.known {
		cost++
		if l.Kind == "process" {
			cost += processCost
		}
	}
	if cost == 0 || !force && cost < mostCost {
		return nil
	}
	if err := t.close(ctx); err != nil {
		return err
	}
	return t.open(ctx)
}

// records is the directory for the records of the service in a round.
func (t *target) records(round int) string {
	return filepath.Join(filepath.Dir(t.daemon.Rootfs()), "records", strconv.Itoa(round))
}

// env makes that directory, empty, and returns what a service in that round is given.
func (t *target) env(round int) (scenarios.RealEnv, error) {
	dir := t.records(round)
	if err := os.RemoveAll(dir); err != nil {
		return scenarios.RealEnv{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return scenarios.RealEnv{}, err
	}
	env := scenarios.RealEnv{
		Client: t.client, Namespace: t.daemon.Namespace(), CgroupParent: t.daemon.CgroupParent(),
		Rootfs: t.daemon.Rootfs(), StateDir: dir, Breaker: t.daemon,
	}
	env.Runtime, env.RuntimeOptions = t.daemon.Runtime()
	return env, nil
}
