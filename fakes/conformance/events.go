package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/typeurl/v2"

	"github.com/startrace/startrace/internal/initproc"
)

// Frequencies are those of what differs between runs of one thing: a container
// whose process ends at once, created, started, waited for and deleted.
type Frequencies struct {
	Runs   int
	Early  int            // the exit was known before Start returned
	Orders map[string]int // of the task's events as they arrived
}

// eventDelay is how late an event may arrive.
const eventDelay = 2 * time.Second

// RunLifecycles runs n lifecycles, one after another.
func RunLifecycles(ctx context.Context, w World, n int) (_ Frequencies, err error) {
	client, err := w.Client()
	if err != nil {
		return Frequencies{}, err
	}
	defer client.Close()
	l := &listener{seen: map[string][]string{}}
	stop := l.listen(ctx, client, w.Namespace())
	f := Frequencies{Runs: n, Orders: map[string]int{}}
	for i := range n {
		early, err := lifecycle(ctx, w, client, fmt.Sprintf("fast-%d", i))
		if err != nil {
			return f, errors.Join(err, stop())
		}
		if early {
			f.Early++
		}
	}
	time.Sleep(eventDelay)
	if err := stop(); err != nil {
		return f, err
	}
	for i := range n {
		f.Orders[strings.Join(l.seen[fmt.Sprintf("fast-%d", i)], ",")]++
	}
	return f, nil
}

// lifecycle reports whether the exit was known before Start returned. It returns
// an error unless Wait and Delete tell the exit code.
func lifecycle(ctx context.Context, w World, client *containerd.Client, id string) (early bool, err error) {
	s := &subject{w: w, client: client, id: id}
	if err := s.create(ctx, initproc.Command{Code: initCode}.Args()...); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.remove(ctx)) }()
	if err := s.newTask(ctx); err != nil {
		return false, err
	}
	wait, err := s.task.Wait(ctx)
	if err != nil {
		return false, err
	}
	if err := s.task.Start(ctx); err != nil {
		return false, err
	}
	var exit containerd.ExitStatus
	select {
	case exit = <-wait:
		early = true
	default:
		exit = <-wait
	}
	if code, _, err := exit.Result(); err != nil || code != initCode {
		return early, fmt.Errorf("wait for %s: code %d: %w", id, code, err)
	}
	deleted, err := s.task.Delete(ctx)
	if err == nil && deleted.ExitCode() != initCode {
		err = fmt.Errorf("delete %s: code %d", id, deleted.ExitCode())
	}
	return early, err
}

// listener collects the task events of containers.
type listener struct {
	mu   sync.Mutex
	seen map[string][]string // by container: create, start, exit, delete
}

// listen returns what ends it.
func (l *listener) listen(ctx context.Context, client *containerd.Client, namespace string) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	envelopes, errs := client.EventService().Subscribe(ctx, "namespace=="+namespace)
	done := make(chan error, 1)
	go func() {
		for {
			select {
			case e := <-envelopes:
				if err := l.add(e); err != nil {
					done <- err
					return
				}
			case err := <-errs:
				if ctx.Err() != nil {
					err = nil
				}
				done <- err
				return
			}
		}
	}()
	return func() error {
		cancel()
		return <-done
	}
}

func (l *listener) add(e *events.Envelope) error {
	name, ok := strings.CutPrefix(e.Topic, "/tasks/")
	if !ok {
		return nil
	}
	event, err := typeurl.UnmarshalAny(e.Event)
	if err != nil {
		return err
	}
	if event, ok := event.(interface{ GetContainerID() string }); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.seen[event.GetContainerID()] = append(l.seen[event.GetContainerID()], name)
	}
	return nil
}

// Add adds what was seen in other runs.
func (f *Frequencies) Add(other Frequencies) {
	f.Runs += other.Runs
	f.Early += other.Early
	for order, n := range other.Orders {
		f.Orders[order] += n
	}
}

// String writes frequencies as lines of name and count.
func (f Frequencies) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "runs\t%d\nexit known before Start returned\t%d\n", f.Runs, f.Early)
	orders := make([]string, 0, len(f.Orders))
	for order := range f.Orders {
		orders = append(orders, order)
	}
	slices.Sort(orders)
	for _, order := range orders {
		fmt.Fprintf(&b, "%s\t%d\n", order, f.Orders[order])
	}
	return b.String()
}

// ParseFrequencies is the inverse of String.
func ParseFrequencies(text string) (Frequencies, error) {
	f := Frequencies{Orders: map[string]int{}}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		n := 0
		if _, err := fmt.Sscan(value, &n); err != nil {
			return f, fmt.Errorf("line %q: %w", line, err)
		}
		switch name {
		case "runs":
			f.Runs = n
		case "exit known before Start returned":
			f.Early = n
		default:
			f.Orders[name] = n
		}
	}
	return f, nil
}
