package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/sim"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "say what of the environment works",
		Description: `The exit code is 0 if exploring works, whatever is missing for runs on a real
containerd, and 3 if not.`,
		OnUsageError: usageError,
		Action:       doctor,
	}
}

func doctor(_ context.Context, c *cli.Command) error {
	if err := noArguments(c); err != nil {
		return err
	}
	out := c.Root().Writer
	controlled := sim.Run(sim.Config{}, func(t *sim.T) {
		if !sim.Controlled() {
			t.Error("the body is not under control")
		}
	})
	var broken error
	if controlled.Failure != nil {
		broken = fail(exitEnvironment, "the controlled runtime does not work: %s", controlled.Failure.Title)
	}
	check(out, "go", runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH, nil)
	check(out, "controlled runtime", "built with the overlay", broken)
	root := error(nil)
	if os.Geteuid() != 0 {
		root = fmt.Errorf("uid %d: real containers need root", os.Geteuid())
	}
	check(out, "root", "yes", root)
	check(out, "cgroups", cgroups(), nil)
	check(out, "real containerd", "a private one can be built and run (containerd, shim and runc from their Go modules)", daemon.Available())
	for _, name := range []string{"containerd", "runc"} {
		path, err := exec.LookPath(name)
		if err != nil {
			path = "none in PATH; not needed"
		}
		check(out, "installed "+name, path, nil)
	}
	return broken
}

func check(out io.Writer, what, good string, err error) {
	mark, text := "ok", good
	if err != nil {
		mark, text = "no", err.Error()
	}
	fmt.Fprintf(out, "%-2s  %-20s  %s\n", mark, what, text)
}

func cgroups() string {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return "version 2"
	}
	entries, err := os.ReadDir("/sys/fs/cgroup")
	if err != nil {
		return "none: " + err.Error()
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return "version 1: " + strings.Join(names, " ")
}
