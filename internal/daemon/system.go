package daemon

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mount is a line of /proc/self/mountinfo.
type mount struct {
	point, fstype string
	writable      bool
}

func readMounts() ([]mount, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	return parseMounts(string(data)), nil
}

// parseMounts reads lines of the form
//
//	36 35 98:0 /root /point rw,noatime shared:1 - fstype source rw
//
// see proc_pid_mountinfo(5). It leaves out what does not look like that.
func parseMounts(mountinfo string) []mount {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var mounts []mount
	for line := range strings.Lines(mountinfo) {
		left, right, ok := strings.Cut(line, " - ")
		fields, fs := strings.Fields(left), strings.Fields(right)
		if !ok || len(fields) < 6 || len(fs) < 1 {
			continue
		}
		mounts = append(mounts, mount{
			point:    unescape.Replace(fields[4]),
			fstype:   fs[0],
			writable: slices.Contains(strings.Split(fields[5], ","), "rw"),
		})
	}
	return mounts
}

// cgroupRoots returns the mount points of all writable cgroup hierarchies:
// one with version 2, one per controller with version 1, both when mixed.
func cgroupRoots(mounts []mount) []string {
	var roots []string
	for _, m := range mounts {
		if m.writable && (m.fstype == "cgroup" || m.fstype == "cgroup2") {
			roots = append(roots, m.point)
		}
	}
	return roots
}

// pids returns the ids of all processes.
func pids() ([]int, error) {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, fmt.Errorf("daemon: %w", err)
	}
	all := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(path.Base(name)); err == nil {
			all = append(all, pid)
		}
	}
	return all, nil
}

// procInfo is what a process can be recognized by. Fields are empty when the
// process is gone or, as for a zombie's, have no value.
type procInfo struct {
	exe     string
	args    []string
	cgroups []string
	zombie  bool
}

func readProc(pid int) procInfo {
	dir := fmt.Sprintf("/proc/%d/", pid)
	var p procInfo
	// Any of these fails when the process ends meanwhile.
	p.exe, _ = os.Readlink(dir + "exe")
	cmdline, _ := os.ReadFile(dir + "cmdline")
	p.args = strings.Split(strings.TrimRight(string(cmdline), "\x00"), "\x00")
	cgroup, _ := os.ReadFile(dir + "cgroup")
	for line := range strings.Lines(string(cgroup)) {
		if fields := strings.SplitN(strings.TrimSpace(line), ":", 3); len(fields) == 3 {
			p.cgroups = append(p.cgroups, fields[2])
		}
	}
	stat, _ := os.ReadFile(dir + "stat")
	if i := strings.LastIndex(string(stat), ") "); i >= 0 {
		p.zombie = strings.HasPrefix(string(stat[i+2:]), "Z")
	}
	return p
}
