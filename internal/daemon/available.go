package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Why no daemon can run. Errors of [Start] and [Available] wrap one of these
// or one of the system's.
var (
	ErrNoRoot      = errors.New("containers need root")
	ErrNoPrivilege = errors.New("containers need the capability CAP_SYS_ADMIN")
	ErrNoCgroups   = errors.New("containers need cgroups mounted read-write")
	ErrNoTools     = errors.New("the sources of the daemon are not at hand")
	ErrBuild       = errors.New("the daemon could not be built")
	ErrExited      = errors.New("containerd exited")
	ErrNoPackage   = errors.New("there is no package of containerd")
)

// IsUnprivileged tells whether err says that this machine may not run
// containers, and not that something is broken: the one reason to skip a test.
func IsUnprivileged(err error) bool {
	return errors.Is(err, ErrNoRoot) || errors.Is(err, ErrNoPrivilege) || errors.Is(err, ErrNoCgroups)
}

// Available returns nil if [Start] can be expected to work without
// [Options.Address], and otherwise an error of one line that says what is
// missing and what to do. It builds and starts nothing.
func Available() error { return available(true, false) }

// available does not look for the sources of the daemon unless build is set; cri is
// whether the CRI plugin is one of them.
func available(build, cri bool) error {
	if euid := os.Geteuid(); euid != 0 {
		return fmt.Errorf("%w, not uid %d: run as root", ErrNoRoot, euid)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	if !hasSysAdmin(string(status)) {
		return fmt.Errorf("%w: in a container, run that one privileged", ErrNoPrivilege)
	}
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	if len(cgroupRoots(mounts)) == 0 {
		return fmt.Errorf("%w below /sys/fs/cgroup: mount them, or run in a privileged container", ErrNoCgroups)
	}
	if !build {
		return nil
	}
	tc, err := findToolchain(cri)
	if err != nil {
		return err
	}
	if tc.built() {
		return nil
	}
	for _, tool := range []string{"go", tc.compiler()} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: %w: install it", ErrBuild, err)
		}
	}
	return nil
}

// hasSysAdmin tells whether a /proc/PID/status grants CAP_SYS_ADMIN.
func hasSysAdmin(status string) bool {
	const capSysAdmin = 21
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return err == nil && set&(1<<capSysAdmin) != 0
		}
	}
	return false
}
