package failpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/containerd/errdefs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What an argument has to be.
const (
	noArg       = ""
	textArg     = "a text"
	durationArg = "a duration, as 10ms"
	numberArg   = "a number from 0 to 255"
	orderArg    = "an order of status, wait, event and delete"
)

// Sites that are no phases of a call.
const (
	Exit       = "process/exit"    // the end of a process becomes visible
	OOM        = "process/oom"     // memory ran out
	Subscriber = "subscriber"      // an event is handed to a subscriber
	State      = "tasks.Get/state" // a shim is asked for a state
	Drain      = "io/drain"        // the streams of a process are waited for
	Recover    = "daemon/recover"  // a daemon that starts finds a task
)

// The steps of the replacement of a file.
const (
	Create  = "disk.create"
	Write   = "disk.write"
	Fsync   = "disk.fsync"
	Rename  = "disk.rename"
	Dirsync = "disk.dirsync" // of the directory
)

// Event returns the site of the events of a topic.
func Event(topic string) string { return "event" + topic }

// The classes of the other sites.
const (
	callSite  = "a phase of a call"
	eventSite = "an event"
	diskSite  = "a step on disk"
)

var diskSites = []string{Create, Write, Fsync, Rename, Dirsync}

// actionKind is an action: its argument and where it may stand.
type actionKind struct {
	arg      string
	optional bool
	sites    []string
}

// actions are all actions. docs/fake.md says what they do.
var actions = map[string]actionKind{
	"off":     {noArg, false, []string{callSite, eventSite, Exit, OOM, Subscriber, State, Drain, Recover, diskSite}},
	"error":   {textArg, false, []string{callSite, diskSite}},
	"panic":   {textArg, true, []string{callSite, diskSite}},
	"delay":   {durationArg, false, []string{callSite, eventSite, Exit, Subscriber, Drain, Recover, diskSite}},
	"block":   {noArg, false, []string{callSite, Subscriber, Drain, diskSite}},
	"later":   {textArg, false, []string{callSite}},
	"slow":    {durationArg, false, []string{callSite}},
	"close":   {noArg, false, []string{callSite}},
	"exit":    {numberArg, false, []string{callSite}},
	"crash":   {durationArg, true, []string{callSite, Recover}},
	"kill":    {noArg, false, []string{callSite, Recover}},
	"jump":    {durationArg, false, []string{callSite}},
	"drop":    {noArg, false, []string{eventSite}},
	"dup":     {noArg, false, []string{eventSite}},
	"swap":    {noArg, false, []string{eventSite}},
	"order":   {orderArg, true, []string{Exit}},
	"after":   {noArg, false, []string{OOM}},
	"alone":   {noArg, false, []string{OOM}},
	"timeout": {noArg, false, []string{State}},
	"lie":     {noArg, false, []string{diskSite}},
	"torn":    {noArg, false, []string{diskSite}},
	"full":    {durationArg, false, []string{diskSite}},
}

// The phases of a call.
const (
	Before = "/before-effect"
	After  = "/after-effect"
	Reply  = "/reply"
)

// services are the names that calls begin with.
var services = []string{
	"tasks", "containers", "events", "leases", "namespaces", "snapshots", "images", "content", "diff",
	"sandboxes", "introspection", "checkpoint",
}

// siteClass returns the class of a site, "" if there is no such site. A pattern
// that stands for several classes, such as "*", is taken for calls.
func siteClass(site string) string {
	switch site {
	case Exit, OOM, Subscriber, State, Drain, Recover:
		return site
	}
	head, _, _ := strings.Cut(site, ".")
	switch {
	case strings.HasPrefix(site, "event/") || site == "event*":
		return eventSite
	case strings.HasPrefix(site, "disk."):
		if slices.Contains(diskSites, site) || strings.Contains(site, "*") {
			return diskSite
		}
	case slices.Contains(services, head), strings.Contains(head, "*"):
		return callSite
	}
	return ""
}

// Fits returns an error unless a may stand at site.
func Fits(site string, a Action) error {
	class := siteClass(site)
	if class == "" {
		return fmt.Errorf("unknown site %s", site)
	}
	if !slices.Contains(actions[a.Name].sites, class) {
		return fmt.Errorf("%s is not for site %s", a.Name, site)
	}
	if strings.HasPrefix(site, "checkpoint") && slices.Contains([]string{"close", "exit", "crash", "kill", "jump"}, a.Name) {
		return fmt.Errorf("%s is not for a disk", a.Name)
	}
	if (a.Name == "later" || a.Name == "slow") && (strings.HasSuffix(site, After) || strings.HasSuffix(site, Reply)) {
		return fmt.Errorf("%s is for before-effect only", a.Name)
	}
	return nil
}

// Matches reports whether a pattern stands for site.
func Matches(pattern, site string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == site || pattern+Before == site && siteClass(pattern) == callSite
	}
	site, ok := strings.CutPrefix(site, head)
	if !ok {
		return false
	}
	for i := range len(site) + 1 {
		if matchesRest(rest, site[i:]) {
			return true
		}
	}
	return false
}

func matchesRest(pattern, site string) bool {
	if strings.Contains(pattern, "*") {
		return Matches(pattern, site)
	}
	return pattern == site
}

// ErrClosed is what a call on a connection gets that somebody else closed.
var ErrClosed = status.Error(codes.Unknown, "ttrpc: closed")

// classes are the errors that have a name in plans. Any other text is the text
// of an error of class Unknown, as in containerd's failpoints.
var classes = map[string]error{
	"closed":              ErrClosed,
	"unavailable":         errdefs.ErrUnavailable,
	"deadline-exceeded":   context.DeadlineExceeded,
	"canceled":            context.Canceled,
	"unknown":             errdefs.ErrUnknown,
	"not-found":           errdefs.ErrNotFound,
	"already-exists":      errdefs.ErrAlreadyExists,
	"failed-precondition": errdefs.ErrFailedPrecondition,
	"invalid-argument":    errdefs.ErrInvalidArgument,
	"internal":            errdefs.ErrInternal,
	"aborted":             errdefs.ErrAborted,
	"resource-exhausted":  errdefs.ErrResourceExhausted,
	"permission-denied":   errdefs.ErrPermissionDenied,
	"unimplemented":       errdefs.ErrNotImplemented,
	"EIO":                 syscall.EIO,
	"ENOSPC":              syscall.ENOSPC,
	"EDQUOT":              syscall.EDQUOT,
	"EROFS":               syscall.EROFS,
}

// Err is the error that the argument of an action stands for.
func (a Action) Err() error {
	class, ok := classes[a.Arg]
	switch {
	case !ok:
		return errors.New(a.Arg)
	case errors.Is(class, ErrClosed):
		return class
	}
	return fmt.Errorf("injected fault: %w", class)
}

// Facet is one of the ways in which an exit becomes visible.
type Facet string

// The facets of an exit.
const (
	ToStatusCalls Facet = "status" // Get and List show it
	ToWaiters     Facet = "wait"   // Wait returns
	ToSubscribers Facet = "event"  // the exit event is sent
	ToDelete      Facet = "delete" // Delete does not refuse any more
)

// Facets are all facets in the order in which shims change them.
var Facets = []Facet{ToStatusCalls, ToWaiters, ToDelete, ToSubscribers}

// ParseOrder reads facets separated by commas: an order of all four.
func ParseOrder(text string) ([]Facet, error) {
	var order []Facet
	for name := range strings.SplitSeq(text, ",") {
		f := Facet(name)
		if !slices.Contains(Facets, f) || slices.Contains(order, f) {
			return nil, fmt.Errorf("%q is no order of status, wait, event and delete", text)
		}
		order = append(order, f)
	}
	if len(order) != len(Facets) {
		return nil, fmt.Errorf("%q is no order of status, wait, event and delete", text)
	}
	return order, nil
}
