package initproc

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// FactKind says what a [Fact] is about; its value is its text.
type FactKind string

// The kinds of facts.
const (
	FactStarted FactKind = "started" // Value: when the process came into being, at the latest
	FactSignal  FactKind = "signal"  // Value: its number
	FactExit    FactKind = "exit"    // Value: the code that it is about to end with
)

// Fact is what a process wrote into the file [Command.Facts]. Times are nanoseconds
// since the Unix epoch by the clock of the machine.
type Fact struct {
	Kind    FactKind
	Process int64 // the same in all facts of one process: when it began to write
	At      int64
	Value   int64
}

// String returns the line of the file, without its end.
func (f Fact) String() string {
	return fmt.Sprintf("%s %d %d %d", f.Kind, f.Process, f.At, f.Value)
}

// ReadFacts returns the facts in a file, in the order in which they were written;
// none if there is no such file. A line whose end is not there yet is left out.
func ReadFacts(path string) ([]Fact, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("initproc: %w", err)
	}
	var facts []Fact
	lines := bufio.NewScanner(strings.NewReader(string(data[:strings.LastIndexByte(string(data), '\n')+1])))
	for lines.Scan() {
		var f Fact
		if _, err := fmt.Sscanf(lines.Text(), "%s %d %d %d", &f.Kind, &f.Process, &f.At, &f.Value); err != nil {
			return nil, fmt.Errorf("initproc: %s: %q is no fact: %w", path, lines.Text(), err)
		}
		facts = append(facts, f)
	}
	return facts, lines.Err()
}

// Alive reports whether one of the processes that wrote a fact into a file lives. The
// kernel says so, by the lock that a process keeps on the file.
func Alive(path string) (bool, error) {
	facts, err := ReadFacts(path)
	if err != nil || len(facts) == 0 {
		return false, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, fmt.Errorf("initproc: %w", err)
	}
	defer f.Close() // gives the lock back
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("initproc: lock %s: %w", path, err)
	}
	return false, nil
}

// factFile is where a process writes its facts; nil writes nothing.
type factFile struct {
	file    *os.File
	process int64
}

// openFacts opens the file, locks it and writes that the process started.
func openFacts(path string) (*factFile, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	// Others of the container may have it too; only a reader takes it exclusively,
	// and for a moment.
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, err
		}
	}
	now := time.Now().UnixNano()
	f := &factFile{file, now}
	f.write(FactStarted, now, min(now, created(now)))
	return f, nil
}

// write writes one line at once. Where that fails the reader misses it.
func (f *factFile) write(kind FactKind, at, value int64) {
	if f != nil {
		_, _ = fmt.Fprintln(f.file, Fact{kind, f.process, at, value})
	}
}

// The clock that tells when processes came into being, and how fine they tell it:
// USER_HZ, which is 100 on all machines that Go knows.
const (
	clockBoottime = 7
	tick          = int64(time.Second / 100)
)

// created is when this process came into being, at the latest: a runtime makes the
// process of a container before it is to start, and the number stays when it becomes
// another program. It is now where /proc does not tell.
func created(now int64) int64 {
	data, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return now
	}
	// After the name, which may contain anything, follow the fields from the third on.
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	const startTime = 22 - 3
	if len(fields) <= startTime {
		return now
	}
	ticks, err := strconv.ParseInt(fields[startTime], 10, 64)
	if err != nil {
		return now
	}
	var up syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockBoottime, uintptr(unsafe.Pointer(&up)), 0); errno != 0 {
		return now
	}
	return now - up.Nano() + (ticks+1)*tick
}
