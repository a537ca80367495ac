package conformance

import (
	"context"
	"fmt"
	"os"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/plugins"

	"github.com/startrace/startrace/fakes"
)

// Fake is the World of a fake.
type Fake struct{ Containerd *fakes.Containerd }

var _ World = Fake{}

// NewFake returns a fake that behaves like a release, "" for the tame one, and
// does nothing else than it is asked for.
func NewFake(release string) (Fake, error) {
	profile, err := Profile(release)
	if err != nil {
		return Fake{}, err
	}
	return Fake{fakes.New(fakes.Options{Profile: profile, FastExits: -1})}, nil
}

// Profile returns the profile of a release; "" is the tame one.
func Profile(release string) (fakes.Profile, error) {
	if release == "1.6.20" {
		release = "1.6"
	}
	return fakes.LookupProfile(release)
}

// Client returns a client of the fake.
func (f Fake) Client() (*containerd.Client, error) { return f.Containerd.Client() }

// Namespace returns the one namespace that fakes can be controlled in.
func (Fake) Namespace() string { return fakes.Namespace }

// Runtime returns a runtime's name, which the fake does not look at.
func (Fake) Runtime() (name string, options any) { return plugins.RuntimeRuncV2, nil }

// Rootfs returns a path, which the fake does not look at.
func (Fake) Rootfs() string { return "/rootfs" }

// Ready returns nil: a fake process obeys signals from its start.
func (Fake) Ready(string, string, uint32) error { return nil }

// Exit ends a process.
func (f Fake) Exit(id, exec string, _ uint32) error {
	ended := false
	if exec == "" {
		ended = f.Containerd.Exit(id, initCode)
	} else {
		ended = f.Containerd.ExitExec(id, exec, execCode)
	}
	if !ended {
		return fmt.Errorf("end process %s of %s: %w", exec, id, os.ErrProcessDone)
	}
	return nil
}

// KillShim kills the shim of a container.
func (f Fake) KillShim(id string) error {
	if !f.Containerd.KillShim(id) {
		return fmt.Errorf("shim of %s: %w", id, os.ErrProcessDone)
	}
	return nil
}

// Kill crashes the daemon.
func (f Fake) Kill() error {
	f.Containerd.Crash()
	return nil
}

// Restart starts the daemon again.
func (f Fake) Restart(context.Context) error { return f.Containerd.Restart() }
