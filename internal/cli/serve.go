package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/serve"
)

// The releases of containerd that --private knows: that of tools/go.mod, and that of
// Debian 12.
const (
	privatePinned = "2.4.2"
	privateDebian = "1.6.20"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "serve the reference as a CRI endpoint in front of a containerd, until interrupted",
		Description: `Try it with
  startrace serve --listen unix:///tmp/cri.sock --private 2.4.2 &
  crictl --runtime-endpoint unix:///tmp/cri.sock info
Containers outlive the command, which goes on with them when it is started again
with the same --root; those of --private end with it. Exit codes: 0 it was
interrupted; 2 the command line is wrong; 3 no containerd serves there, the socket
or the directory is in use, or root is needed.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Required: true, Usage: "unix://`PATH` of the socket to serve on"},
			&cli.StringFlag{Name: "containerd", Usage: "unix://`PATH` of containerd's socket"},
			&cli.StringFlag{Name: "private", Usage: "start a containerd of this `RELEASE` that leaves nothing behind: 2.4.2, or 1.6.20 on Debian 12"},
			&cli.StringFlag{Name: "root", Value: "/var/lib/startrace", Usage: "`DIRECTORY` for what is kept"},
			&cli.StringFlag{Name: "namespace", Value: "startrace", Usage: "`NAME` in containerd, of nobody else"},
			&cli.StringFlag{Name: "snapshotter", Value: "overlayfs", Usage: "`NAME` of what images are unpacked into"},
			&cli.StringFlag{Name: "runc-root", Usage: "`DIRECTORY` for runc's state (default: containerd's)"},
			&cli.StringFlag{Name: "mirror", Usage: "`URL` of a registry that is asked for the images of all"},
		},
		OnUsageError: usageError,
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
			defer stop()
			return serveCRI(ctx, c)
		},
	}
}

func serveCRI(ctx context.Context, c *cli.Command) (retErr error) {
	listen, err := socketPath(c, "listen")
	if err != nil {
		return err
	}
	opts := serve.Options{
		Listen: listen, Root: c.String("root"), Namespace: c.String("namespace"),
		Snapshotter: c.String("snapshotter"), RuncRoot: c.String("runc-root"), Mirror: c.String("mirror"),
	}
	switch {
	case c.IsSet("private") == c.IsSet("containerd"):
		return fail(exitUsage, "either --containerd or --private says which containerd")
	case c.IsSet("private"):
		stop, err := startPrivate(ctx, c, &opts)
		if err != nil {
			return err
		}
		defer func() { retErr = errors.Join(retErr, stop()) }()
	default:
		if opts.Containerd, err = socketPath(c, "containerd"); err != nil {
			return err
		}
	}
	err = serve.Run(ctx, opts, func() {
		fmt.Fprintf(c.Root().Writer, "serving the CRI on %s\n", listen)
	})
	if errors.Is(err, os.ErrPermission) && os.Geteuid() != 0 {
		return fail(exitEnvironment, "%w: run it as root", err)
	}
	if err != nil {
		return fail(exitEnvironment, "%w", err)
	}
	return nil
}

// startPrivate starts a containerd and a directory that stop removes, and has them
// used.
func startPrivate(ctx context.Context, c *cli.Command, opts *serve.Options) (stop func() error, err error) {
	if c.IsSet("namespace") || c.IsSet("root") || c.IsSet("runc-root") {
		return nil, fail(exitUsage, "--private has a namespace and directories of its own")
	}
	private, err := privateDaemon(ctx, "--private", "", c.String("private"), func(format string, args ...any) {
		fmt.Fprintf(c.Root().ErrWriter, format+"\n", args...)
	})
	if err != nil {
		return nil, err
	}
	d, err := daemon.Start(ctx, private)
	if err != nil {
		return nil, fail(exitEnvironment, "--private: %w", err)
	}
	opts.Root, err = os.MkdirTemp("", "startrace-serve-")
	if err != nil {
		return nil, errors.Join(fail(exitEnvironment, "%w", err), d.Stop())
	}
	opts.Containerd, opts.Namespace = d.Address(), d.Namespace()
	opts.Runtime, opts.RuntimeOptions = d.Runtime()
	return func() error { return errors.Join(d.Stop(), os.RemoveAll(opts.Root)) }, nil
}
