package nightly

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/initproc"
)

// Leftover is something that is there and should not be.
type Leftover struct {
	Kind string // process, mount, cgroup, runc, container, task, lease or record
	Name string
}

// String returns kind and name.
func (l Leftover) String() string { return l.Kind + " " + l.Name }

// ours reports whether l is the service's, or the process of a user. What containerd
// and runc forget when the daemon is killed while it makes a shim, or a shim while it
// makes a container, is neither; a lease that its client could not delete then expires
// within a day.
func (l Leftover) ours() bool {
	switch l.Kind {
	case "container", "task", "record":
		return true
	case "process":
		return strings.Contains(l.Name+" ", " "+initproc.Path+" ")
	}
	return false
}

// census returns what is there of containers beside the daemon itself. records is the
// directory of the service's records.
func census(ctx context.Context, d *daemon.Daemon, client *containerd.Client, records string) ([]Leftover, error) {
	var all []Leftover
	add := func(kind, name string) { all = append(all, Leftover{kind, name}) }
	c, err := d.Census(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range c.Processes {
		if fields := strings.Fields(p); len(fields) > 1 && filepath.Base(fields[1]) == "containerd" {
			continue
		}
		add("process", p)
	}
	run := filepath.Dir(d.Rootfs())
	for _, m := range c.Mounts {
		if m != run {
			add("mount", m)
		}
	}
	for _, cgroup := range c.Cgroups {
		if filepath.Base(cgroup) != d.Namespace() {
			add("cgroup", cgroup)
		}
	}
	for dir, kind := range map[string]string{filepath.Join(run, "runc", d.Namespace()): "runc", records: "record"} {
		entries, err := os.ReadDir(dir)
		if err != nil && !os.IsNotExist(err) {
			return nil, fmt.Errorf("census: %w", err)
		}
		for _, e := range entries {
			add(kind, e.Name())
		}
	}

	ctx = namespaces.WithNamespace(ctx, d.Namespace())
	containers, err := client.Containers(ctx)
	if err != nil {
		return nil, fmt.Errorf("census: list containers: %w", err)
	}
	for _, c := range containers {
		add("container", c.ID())
	}
	list, err := client.TaskService().List(ctx, &tasks.ListTasksRequest{})
	if err != nil {
		return nil, fmt.Errorf("census: list tasks: %w", err)
	}
	for _, t := range list.GetTasks() {
		add("task", t.GetID())
	}
	leases, err := client.LeasesService().List(ctx)
	if err != nil {
		return nil, fmt.Errorf("census: list leases: %w", err)
	}
	for _, l := range leases {
		add("lease", l.ID)
	}
	return all, nil
}

// How long things may take to go away: shims end by themselves after their last
// container was deleted.
const (
	goneWithin = 15 * time.Second
	// forgottenWithin is for what nobody is going to remove.
	forgottenWithin = 2 * time.Second
	gonePoll        = 50 * time.Millisecond
)

// awaitGone looks until nothing but what is known is left, and returns what still is
// at last. What is ours and the rest may take so long to go away.
func awaitGone(look func() ([]Leftover, error), known map[Leftover]bool, ours, rest time.Duration) ([]Leftover, error) {
	begin := time.Now()
	for {
		all, err := look()
		if err != nil {
			return nil, err
		}
		limit := rest
		var left []Leftover
		for _, l := range all {
			if !known[l] {
				left = append(left, l)
				if l.ours() {
					limit = max(limit, ours)
				}
			}
		}
		if len(left) == 0 || time.Since(begin) > limit {
			return left, nil
		}
		time.Sleep(gonePoll)
	}
}
