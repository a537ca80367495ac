package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	runcoptions "github.com/containerd/containerd/api/types/runc/options"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/plugins"

	"github.com/startrace/startrace/internal/initproc"
)

// Limits of what is waited for.
const (
	readyTimeout = 30 * time.Second // until a new daemon serves
	stopTimeout  = 30 * time.Second // for all of Stop
	emptyTimeout = 15 * time.Second // for the part of Stop that asks the daemon
	stopGrace    = 5 * time.Second  // between SIGTERM and SIGKILL
)

// Options of [Start]. The zero value is a private daemon on a tmpfs.
type Options struct {
	// Address is the socket of a containerd that runs already. No daemon is
	// started then, only a namespace of its own used and emptied at the end.
	Address string
	// Binary is the path of a containerd to start, of version 1.6 or later,
	// instead of the one pinned in tools/go.mod. Its shim and runc are those
	// in the same directory or else in the usual places. See [Debian].
	Binary string
	// OnDisk keeps the daemon's files in the directory for temporary files
	// and not on a tmpfs. It is about half as fast, and widens the windows
	// in which containerd 2.4 loses or reorders events.
	OnDisk bool
	// SandboxImage has the daemon serve the CRI as well, on the same socket, and is
	// the image of the first process of sandboxes. A registry on a loopback address
	// is asked without TLS. There is no network: sandboxes are to use the host's.
	// Their cgroups belong below [Daemon.CgroupParent], so that Stop finds what is
	// left in them; containerd knows them in its namespace k8s.io.
	SandboxImage string
	// SimulatedShim makes the daemon know the runtime of package simshim beside
	// runc, under the name [simshim.Runtime] and without options. It goes with
	// any Binary, and not with Address: a daemon has the PATH it was started with.
	SimulatedShim bool
	// Logf receives progress, such as a build that takes a minute, and
	// trouble with leftovers of others. It has the form of testing.T.Logf
	// and is called only within Start. Nil discards.
	Logf func(format string, args ...any)
}

// Daemon is a running containerd. Its methods are safe for concurrent use.
type Daemon struct {
	in   *instance
	bin  string // directory of the programs, empty with Options.Address
	shim string // directory of the simulated shim, empty without it
	old  bool   // containerd 1: its configuration and its fixed paths differ

	sandboxImage string // Options.SandboxImage

	mu      sync.Mutex
	proc    *process // nil with Options.Address and while killed
	stopped bool
}

// Start builds what is not built yet, starts a daemon and returns when it
// serves. ctx limits Start only. Errors wrap one of the Err values of this
// package or the system's; a daemon that dies comes with the end of its log.
// After an error nothing is left.
func Start(ctx context.Context, opts Options) (_ *Daemon, err error) {
	logf := opts.Logf
	if logf == nil {
		logf = func(string, ...any) {}
	}
	if opts.SimulatedShim && opts.Address != "" {
		return nil, errors.New("daemon: a daemon that runs already cannot be given a shim")
	}
	if opts.Address == "" {
		if err := available(opts.Binary == "", opts.SandboxImage != ""); err != nil {
			return nil, err
		}
	}
	base := instanceBase()
	if err := reclaim(ctx, base); err != nil {
		logf("leftovers of a daemon whose owner died remain: %v", err)
	}
	rootfs, err := cached(ctx, "rootfs-"+initproc.Version()[:16], func(dir string) error {
		return initproc.BuildRootfs(ctx, dir)
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBuild, err)
	}
	d := &Daemon{sandboxImage: opts.SandboxImage}
	if opts.SimulatedShim {
		if d.shim, err = SimulatedShim(ctx, logf); err != nil {
			return nil, err
		}
	}
	if opts.Address == "" {
		if err := d.findPrograms(ctx, opts, logf); err != nil {
			return nil, err
		}
	}
	if d.in, err = newInstance(base, opts.Address); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Stop())
		}
	}()
	if err := os.Mkdir(d.in.run(), 0o711); err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	if !opts.OnDisk && opts.Address == "" {
		if err := syscall.Mount("startrace", d.in.run(), "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=0711"); err != nil {
			return nil, fmt.Errorf("daemon: mount tmpfs: %w", err)
		}
	}
	if err := os.CopyFS(d.Rootfs(), os.DirFS(rootfs)); err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	return d, d.Restart(ctx)
}

// reclaim removes what instances below base left whose owners died.
func reclaim(ctx context.Context, base string) error {
	found, err := abandoned(base)
	for _, in := range found {
		err = errors.Join(err, (&Daemon{in: in}).Stop())
		if ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
	return err
}

// Address returns the path of the daemon's socket.
func (d *Daemon) Address() string {
	if d.in.address != "" {
		return d.in.address
	}
	return filepath.Join(d.in.run(), "containerd.sock")
}

// Namespace returns the namespace, unique on this machine, in which
// containers are to be created. Stop empties it.
func (d *Daemon) Namespace() string { return d.in.namespace() }

// CgroupParent returns the cgroup below which containers are to be created.
// Without an option containerd's client puts those of the namespace there.
func (d *Daemon) CgroupParent() string { return d.in.cgroupParent() }

// Rootfs returns a root filesystem directory with [initproc.Path] in it, to
// be mounted read-only, by any number of containers.
func (d *Daemon) Rootfs() string { return filepath.Join(d.in.run(), "rootfs") }

// LogPath returns the file the daemon logs to. It does not exist with
// [Options.Address], nor after Stop.
func (d *Daemon) LogPath() string { return filepath.Join(d.in.run(), "containerd.log") }

// Runtime returns the arguments for containerd.WithRuntime. They keep runc's
// state in a directory that Stop removes, also with [Options.Address].
func (d *Daemon) Runtime() (name string, options any) {
	runc := &runcoptions.Options{Root: filepath.Join(d.in.run(), "runc")}
	if path := filepath.Join(d.bin, "runc"); d.bin != "" && exists(path) {
		runc.BinaryName = path
	}
	return plugins.RuntimeRuncV2, runc
}

// Client returns a new client whose default namespace is [Daemon.Namespace].
// The caller closes it.
func (d *Daemon) Client() (*containerd.Client, error) {
	client, err := containerd.New(d.Address(), containerd.WithDefaultNamespace(d.Namespace()))
	if err != nil {
		return nil, fmt.Errorf("daemon: client: %w", err)
	}
	return client, nil
}

// Kill kills the daemon as kill -9 does. Shims and containers keep running.
// It does nothing when it is killed already, and with [Options.Address].
func (d *Daemon) Kill() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.proc == nil {
		return nil
	}
	err := d.proc.kill()
	d.proc = nil
	return err
}

// KillShim kills the shim of a container as kill -9 does. It returns an error
// that wraps [os.ErrProcessDone] if there is none.
func (d *Daemon) KillShim(id string) error {
	all, err := pids()
	if err != nil {
		return err
	}
	for _, pid := range all {
		p, err := os.FindProcess(pid)
		if err != nil {
			continue // gone
		}
		if d.in.isShim(readProc(pid), id) {
			return errors.Join(p.Kill(), p.Release())
		}
		if err := p.Release(); err != nil {
			return fmt.Errorf("daemon: %w", err)
		}
	}
	return fmt.Errorf("daemon: shim of %s: %w", id, os.ErrProcessDone)
}

// Restart kills the daemon if it runs, starts it again with what it has
// stored, and returns when it serves. Clients reconnect within about a
// second. With [Options.Address] it only waits for the daemon to serve.
func (d *Daemon) Restart(ctx context.Context) error {
	if err := d.Kill(); err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if d.bin == "" {
		return d.serves(ctx)
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return errors.New("daemon: already stopped")
	}
	proc, err := d.launch()
	if err != nil {
		return err
	}
	d.proc = proc
	if err := proc.await(ctx, d.serves); err != nil {
		return fmt.Errorf("daemon: %w; its log ends with\n%s", err, tail(d.LogPath(), 20))
	}
	return nil
}

func (d *Daemon) launch() (*process, error) {
	_, options := d.Runtime()
	config, err := writeConfig(settings{
		Run: d.in.run(), SandboxImage: d.sandboxImage, Runc: options.(*runcoptions.Options),
	}, d.old)
	if err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	log, err := os.OpenFile(d.LogPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(d.bin, "containerd"), "--config", config)
	cmd.Dir = d.in.run()
	path := d.bin
	if d.shim != "" {
		path += ":" + d.shim
	}
	cmd.Env = []string{"PATH=" + path + ":/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stdout, cmd.Stderr = log, log
	var setUp func() error
	if d.old {
		setUp = func() error { return privateRun(filepath.Join(d.in.run(), "run")) }
	}
	proc, err := startProcess(cmd, setUp)
	if err != nil {
		return nil, fmt.Errorf("daemon: start containerd: %w", err)
	}
	return proc, nil
}

// serves returns nil if the daemon answers. Dialing first keeps the client's
// back-off out of it.
func (d *Daemon) serves(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", d.Address())
	if err != nil {
		return err
	}
	conn.Close()
	client, err := d.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Version(ctx)
	return err
}
