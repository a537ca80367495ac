package real_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/initproc"
)

// world is a private containerd.
type world struct{ *daemon.Daemon }

// exitLimit is how long a process may take to obey.
const exitLimit = 5 * time.Second

// Ready waits until the process obeys signals. Before that one is lost, or ends
// it with another code.
func (world) Ready(id, exec string, pid uint32) error {
	for end := time.Now().Add(exitLimit); time.Now().Before(end); time.Sleep(time.Millisecond / 2) {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err != nil || strings.TrimSpace(string(name)) == initproc.ReadyName {
			return nil // ended, or ready
		}
	}
	return fmt.Errorf("process %d of %s %s does not get ready", pid, id, exec)
}

// Exit makes a process of package initproc end with its code.
func (world) Exit(id, exec string, pid uint32) error {
	if err := syscall.Kill(int(pid), initproc.Quit); err != nil {
		return fmt.Errorf("end process %d of %s %s: %w", pid, id, exec, err)
	}
	return nil
}
