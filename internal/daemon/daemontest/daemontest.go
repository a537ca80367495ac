// Package daemontest starts real daemons for tests. Without the right to run
// containers the test is skipped, with one line that says so; at its end nothing
// may be left of the daemon.
package daemontest

import (
	"context"
	"testing"

	"github.com/startrace/startrace/internal/daemon"
)

// Start starts a daemon that is stopped, and then looked for, at the end of the
// test. command is what runs the test on a machine on which it is skipped, but
// for sudo.
func Start(t *testing.T, opts daemon.Options, command string) *daemon.Daemon {
	t.Helper()
	if err := daemon.Available(); daemon.IsUnprivileged(err) {
		t.Skipf("NOT RUN: %v; it is run by: sudo -E %s", err, command)
	}
	opts.Logf = t.Logf
	d, err := daemon.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
			return
		}
		census, err := d.Census(context.WithoutCancel(t.Context()))
		if err != nil {
			t.Error(err)
		}
		if !census.Empty() {
			t.Errorf("left after Stop:\n%s", census)
		}
	})
	return d
}
