package fakes

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Profile is how a release of containerd behaves where releases differ. The zero
// value is the tame one: as 2.4, with all of an exit visible in one step and no
// event lost.
type Profile struct {
	// Name is the release, as in Options of commands; "" for the tame one.
	Name string

	// UnknownSuffix is what the daemon appends to errors of class Unknown.
	//
	// Measured: 1.6.20 appends ": unknown" to texts that 2.4.2 sends as they are,
	// as 1.6's errdefs/grpc.go wraps the class of what a shim returns.
	UnknownSuffix string

	// LateExitEvent makes the exit visible to Status, Wait and Delete first, and
	// sends the event later, so that a Delete may come in between: the inversion.
	//
	// Source: cmd/containerd-shim-runc-v2/task/service.go, handleProcessExit:
	// since 2.4 SetExited is followed by WriteExitStatus, which syncs a file, and
	// only then by the event. Releases up to 2.0 have nothing in between.
	LateExitEvent bool

	// LostExits and LostDeletes are in percent how often an exit event that a
	// Delete overtook, and a delete event, never leave the shim.
	//
	// Measured on 2.4.2 with Delete right after Wait: of 253 overtaken exits 153
	// were lost, of 500 deletes 44; 0 of 900 on 1.6.20. The daemon ends the shim
	// without waiting for its events, and since the delete succeeded sends none
	// in their place.
	LostExits, LostDeletes float64

	// DropsStopped is whether a task that ended while the daemon was down is gone
	// after the restart, and its code with it. Else it is there, and its shim sends
	// the exit again.
	//
	// Measured: 1.6.20 keeps it, 2.4.2 does not. Source: "cleaning leaked shim
	// process" in runtime/v2/shim_load.go of 1.7.27 and core/runtime/v2 of 2.0.5
	// and later cleans up a shim without processes; 1.6.20 has no such code.
	DropsStopped bool

	// Steps makes the Create and the Delete of a task take several steps, so that
	// other calls come in between: a second Create finds the bundle of the first
	// and fails with class Unknown; while a Delete is under way the process is
	// first a deleted one, then calls end with "ttrpc: closed".
	//
	// Measured on 1.6.20 and 2.4.2. Source: NewBundle in core/runtime/v2/bundle.go
	// comes before the task is in the list; Delete in core/runtime/v2/shim.go.
	Steps bool

	// DeletesAgain is whether a Delete that comes while another is under way gets
	// the exit code as well. Else it gets NotFound.
	//
	// Measured on 1.6.20 and 2.4.2. Source: the retriable task.Delete of
	// containerd#14020.
	DeletesAgain bool

	// RefusesLateExec is whether an exec process is refused with class
	// FailedPrecondition once the init process has ended. Else it is runc that
	// refuses it, with class Unknown.
	//
	// Measured on 1.6.20 and 2.4.2. Source: Start in
	// cmd/containerd-shim-runc-v2/task/service.go has the check since containerd#10651.
	RefusesLateExec bool

	// StateDeadline is whether a shim that does not tell its state in time makes
	// Get fail with DeadlineExceeded. Else Get returns the status UNKNOWN and no
	// error.
	//
	// Source: getProcessState in (plugins/)services/tasks/local.go: 2.4 returns
	// DeadlineExceeded (containerd#12821), 1.7 and 2.0 NotFound and Unavailable
	// only, 1.6 NotFound only.
	StateDeadline bool
}

// Profiles returns the releases whose behaviour is known, the oldest first.
func Profiles() []Profile {
	return []Profile{
		{Name: "1.6", Steps: true, UnknownSuffix: ": unknown"},
		{Name: "1.7", Steps: true, UnknownSuffix: ": unknown", DropsStopped: true, RefusesLateExec: true},
		{Name: "2.0", Steps: true, DropsStopped: true, RefusesLateExec: true},
		// 2.4.0 and 2.4.2 have the same handleProcessExit; only 2.4.2 was measured.
		{Name: "2.4.0", Steps: true, DeletesAgain: true, DropsStopped: true, RefusesLateExec: true, StateDeadline: true, LateExitEvent: true, LostExits: 60, LostDeletes: 9},
		{Name: "2.4.2", Steps: true, DeletesAgain: true, DropsStopped: true, RefusesLateExec: true, StateDeadline: true, LateExitEvent: true, LostExits: 60, LostDeletes: 9},
	}
}

// LookupProfile returns the profile of that name; "" is the tame one. The error
// lists all names.
func LookupProfile(name string) (Profile, error) {
	if name == "" {
		return Profile{}, nil
	}
	all := Profiles()
	i := slices.IndexFunc(all, func(p Profile) bool { return p.Name == name })
	if i >= 0 {
		return all[i], nil
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return Profile{}, fmt.Errorf("unknown release %q: there are %s", name, strings.Join(names, ", "))
}

// resolved returns p, the tame profile as it is meant.
func (p Profile) resolved() Profile {
	if p == (Profile{}) {
		return Profile{DropsStopped: true, RefusesLateExec: true, StateDeadline: true}
	}
	return p
}

// text returns a status as the release words it.
func (p Profile) text(err error) error {
	if s, _ := status.FromError(err); p.UnknownSuffix != "" && s.Code() == codes.Unknown && !strings.HasSuffix(s.Message(), p.UnknownSuffix) {
		return status.Error(codes.Unknown, s.Message()+p.UnknownSuffix)
	}
	return err
}

// lost draws whether an event never leaves its shim; the lock of c is held.
func (c *Containerd) lost(what string, percent float64) bool {
	return percent > 0 && !c.calm && c.opts.Faults.chance("lose "+what, percent)
}

// Release is the release that c says it is.
func (c *Containerd) Release() string {
	if c.opts.Profile.Name == "" {
		return "2.4"
	}
	return c.opts.Profile.Name
}
