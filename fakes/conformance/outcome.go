package conformance

import (
	"context"
	"errors"
	"regexp"
	"strings"

	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/grpc/status"
)

// outcome is what a call did, with nothing in it that differs from run to run:
// "ok", with a detail if there is one, or the class and the text of the error.
func (s *subject) outcome(detail string, err error) string {
	if err == nil {
		return strings.TrimSpace("ok " + detail)
	}
	return class(err) + ": " + s.normalize(err.Error())
}

// class returns the name of the class of an error, wherever it comes from.
func class(err error) string {
	if _, ok := status.FromError(err); ok {
		err = errgrpc.ToNative(err)
	}
	for _, c := range []struct {
		name string
		is   func(error) bool
	}{
		{"NotFound", errdefs.IsNotFound},
		{"AlreadyExists", errdefs.IsAlreadyExists},
		{"FailedPrecondition", errdefs.IsFailedPrecondition},
		{"InvalidArgument", errdefs.IsInvalidArgument},
		{"Unavailable", errdefs.IsUnavailable},
		{"NotImplemented", errdefs.IsNotImplemented},
		{"DeadlineExceeded", func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		{"Canceled", errdefs.IsCanceled},
	} {
		if c.is(err) {
			return c.name
		}
	}
	return "Unknown"
}

// What differs from run to run in the texts of errors.
var (
	quotedSocket = regexp.MustCompile(`unix:?[^ "]*\.sock[^ :"]*`)
	anyPath      = regexp.MustCompile(`(/[\w.:-]+){3,}`)
	anyPid       = regexp.MustCompile(`\bpid[ :=]+\d+`)
	rpcPrefix    = regexp.MustCompile(`rpc error: code = \w+ desc = `)
)

// normalize puts fixed words for ids, namespace, process ids and paths. The
// suffix with which containerd 1.6 and 1.7 name the class Unknown goes too, and
// so does the way in which a status prints itself: the class says both.
func (s *subject) normalize(text string) string {
	text = strings.TrimSuffix(strings.TrimSpace(text), ": unknown")
	text = strings.NewReplacer(s.id, "ID", execID, "EXEC", s.w.Namespace(), "NS").Replace(text)
	text = rpcPrefix.ReplaceAllString(text, "")
	text = quotedSocket.ReplaceAllString(text, "SOCKET")
	text = anyPath.ReplaceAllString(text, "PATH")
	text = anyPid.ReplaceAllString(text, "pid PID")
	return strings.TrimSpace(strings.ReplaceAll(text, "\n", " "))
}

func statusName(s tasktypes.Status) string { return strings.ToLower(s.String()) }
