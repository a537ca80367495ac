package daemon

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
)

// Census lists what of a daemon exists on the machine.
type Census struct {
	Processes  []string // the daemon, shims, runc, processes in containers: id and arguments
	Mounts     []string // mount points
	Cgroups    []string // directories in all hierarchies
	Paths      []string // directories and sockets
	Containers []string // ids known to a daemon that is not ours
}

// Empty tells whether nothing is left.
func (c Census) Empty() bool { return c.String() == "" }

// String returns one line per finding.
func (c Census) String() string {
	var b strings.Builder
	for _, part := range []struct {
		kind  string
		items []string
	}{
		{"process", c.Processes},
		{"mount", c.Mounts},
		{"cgroup", c.Cgroups},
		{"path", c.Paths},
		{"container", c.Containers},
	} {
		for _, item := range part.items {
			fmt.Fprintf(&b, "%s %s\n", part.kind, item)
		}
	}
	return b.String()
}

// census looks at the machine.
func (in *instance) census() (c Census, err error) {
	all, err := pids()
	if err != nil {
		return Census{}, err
	}
	for _, pid := range all {
		if p := readProc(pid); in.owns(p) {
			c.Processes = append(c.Processes, fmt.Sprintf("%d %s", pid, strings.Join(p.args, " ")))
		}
	}
	if c.Mounts, err = in.mounts(); err != nil {
		return Census{}, err
	}
	if c.Cgroups, err = in.cgroups(); err != nil {
		return Census{}, err
	}
	if exists(in.dir) {
		c.Paths = append(c.Paths, in.dir)
	}
	return c, nil
}

// Census returns what exists of the daemon now: after [Daemon.Stop] nothing,
// before it whatever is running. With [Options.Address] it also asks the
// daemon there, and returns an error if that does not answer.
func (d *Daemon) Census(ctx context.Context) (Census, error) {
	c, err := d.in.census()
	if err != nil || d.in.address == "" {
		return c, err
	}
	client, err := d.Client()
	if err != nil {
		return Census{}, err
	}
	defer client.Close()
	containers, err := client.Containers(ctx)
	if err != nil && !errdefs.IsNotFound(err) {
		return Census{}, fmt.Errorf("daemon: %w", err)
	}
	for _, container := range containers {
		c.Containers = append(c.Containers, container.ID())
	}
	return c, nil
}
