package simshim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v2"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/ttrpc"
	"golang.org/x/sys/unix"
)

const (
	// linger is how long the shim of a group stays after the last container, or
	// after it was promised to one: a client that makes them one after the other
	// does not start it each time.
	linger = 10 * time.Second
	// answerTimeout is how long calls may take that are under way at the end.
	answerTimeout = time.Second
)

// reserve takes the lock of a group's shim, which is given back with the file, and
// thereby makes the shim stay for a while.
func reserve(socket string) (*os.File, error) {
	f, err := lockGroup(socket)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := os.Chtimes(f.Name(), now, now); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// lockGroup takes the lock and leaves the time of the file as it is.
func lockGroup(socket string) (*os.File, error) {
	f, err := os.OpenFile(socket+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return f, nil
}

// unused tells whether the shim of a group is not needed any more, and if so makes
// sure that nobody finds it.
func unused(s *Service, socket string) (bool, error) {
	if s.Len() > 0 {
		return false, nil
	}
	lock, err := lockGroup(socket)
	if err != nil {
		return false, err
	}
	defer lock.Close()
	info, err := lock.Stat()
	if err != nil {
		return false, err
	}
	if s.Len() > 0 || time.Since(info.ModTime()) < linger {
		return false, nil
	}
	return true, os.Remove(socket)
}

// await returns when the shim's work is done and nobody finds its socket any more.
func (o options) await(s *Service, shutDown <-chan struct{}) error {
	if !o.grouped {
		<-shutDown
		return nil
	}
	for {
		time.Sleep(linger / 10)
		if done, err := unused(s, o.socket); done || err != nil {
			return err
		}
	}
}

// serve is the server. It listens on file descriptor 3.
func (o options) serve() error {
	publisher, err := shim.NewPublisher(os.Getenv("TTRPC_ADDRESS"))
	if err != nil {
		return err
	}
	defer publisher.Close()
	server, err := ttrpc.NewServer(ttrpc.WithServerHandshaker(ttrpc.UnixSocketRequireSameUser()))
	if err != nil {
		return err
	}
	syscall.CloseOnExec(3)
	l, err := net.FileListener(os.NewFile(3, "socket"))
	if err != nil {
		return err
	}
	s := NewService(o.namespace, publisher)
	shutDown := make(chan struct{})
	// Before Shutdown answers, so that a container of the same name gets a shim
	// of its own.
	s.stop = sync.OnceFunc(func() {
		if !o.grouped {
			_ = os.Remove(o.socket) // there is none if the directory was removed
			close(shutDown)
		}
	})
	taskapi.RegisterTTRPCTaskService(server, s)
	failed := make(chan error, 2)
	go func() { failed <- server.Serve(context.Background(), l) }()
	go func() { failed <- o.await(s, shutDown) }()
	if err := <-failed; err != nil {
		return err
	}
	s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
