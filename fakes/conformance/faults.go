package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
)

// FaultCase is what becomes of a container when its shim or the daemon is killed.
type FaultCase struct {
	Name  string
	State State // before
	do    func(context.Context, *faulty) error
}

// faulty is a subject, the end of which is waited for from before the fault on,
// and what was seen of it.
type faulty struct {
	*subject
	wait <-chan containerd.ExitStatus
	seen []string
}

func (f *faulty) see(what, outcome string) { f.seen = append(f.seen, what+": "+outcome) }

// FaultCases returns all cases. They concern the whole daemon, so that they are
// not to be run at the same time.
func FaultCases() []FaultCase {
	return []FaultCase{
		{"the daemon is killed and restarted", Created, func(ctx context.Context, f *faulty) error {
			if err := f.outage(ctx, nil); err != nil {
				return err
			}
			f.see("Start", f.outcome("", f.task.Start(ctx)))
			return nil
		}},
		{"the daemon is killed and restarted", Running, func(ctx context.Context, f *faulty) error {
			if err := f.outage(ctx, nil); err != nil {
				return err
			}
			return f.finish(ctx)
		}},
		{"the daemon is killed and restarted", Paused, func(ctx context.Context, f *faulty) error {
			if err := f.outage(ctx, nil); err != nil {
				return err
			}
			f.see("Resume", f.outcome("", f.task.Resume(ctx)))
			return f.finish(ctx)
		}},
		{"the daemon is killed and restarted", Stopped, func(ctx context.Context, f *faulty) error { return f.outage(ctx, nil) }},
		{"the process ends while the daemon is down", Running, func(ctx context.Context, f *faulty) error {
			return f.outage(ctx, func() error { return f.w.Exit(f.id, "", f.task.Pid()) })
		}},
		{"the shim is killed while the daemon is down", Running, func(ctx context.Context, f *faulty) error {
			return f.outage(ctx, func() error { return f.w.KillShim(f.id) })
		}},
		{"the shim is killed", Running, func(ctx context.Context, f *faulty) error { return f.loseShim(ctx) }},
		{"the shim is killed", Created, func(ctx context.Context, f *faulty) error { return f.loseShim(ctx) }},
		{"the shim is killed", Paused, func(ctx context.Context, f *faulty) error { return f.loseShim(ctx) }},
	}
}

// whileDown is how long the daemon is down after what happens meanwhile.
const whileDown = 200 * time.Millisecond

// outage kills the daemon, does meanwhile and starts it again.
func (f *faulty) outage(ctx context.Context, meanwhile func() error) error {
	if err := f.w.Kill(); err != nil {
		return err
	}
	f.seeWait()
	_, err := f.get(ctx, "")
	f.see("Status while it is down", class(err))
	if meanwhile != nil {
		if err := meanwhile(); err != nil {
			return err
		}
	}
	time.Sleep(whileDown)
	if err := f.w.Restart(ctx); err != nil {
		return err
	}
	client, err := f.w.Client()
	if err != nil {
		return err
	}
	if err := f.client.Close(); err != nil {
		return err
	}
	f.client = client
	container, err := client.LoadContainer(ctx, f.id)
	if err := f.keep(container, err); err != nil {
		return err
	}
	task, err := container.Task(ctx, cio.Load)
	f.see("Task after the restart", coarse(f.outcome("", err)))
	if err == nil {
		f.task = task
	}
	f.see("then", f.observe(ctx))
	return nil
}

// loseShim kills the shim.
func (f *faulty) loseShim(ctx context.Context) error {
	if err := f.w.KillShim(f.id); err != nil {
		return err
	}
	f.seeWait()
	start := coarse(f.outcome("", f.task.Start(ctx)))
	if start == "NotFound" || start == "Unknown" {
		start = "NotFound or Unknown" // it depends on whether the daemon has noticed
	}
	f.see("Start", start)
	f.see("then", f.observe(ctx))
	time.Sleep(time.Second)
	f.see("a second later", f.observe(ctx))
	f.see("Container.Delete", f.outcome("", f.container.Delete(ctx)))
	return nil
}

// finish ends the process and deletes the task.
func (f *faulty) finish(ctx context.Context) error {
	f.see("Exit", f.outcome("", f.exit(ctx, "")))
	text, err := f.waited(ctx, f.task)
	f.see("Wait", f.outcome(text, err))
	status, err := f.task.Delete(ctx)
	f.see("Delete", f.outcome(code(status), err))
	return nil
}

// waitLimit is how long a Wait may take to notice that there is nobody to
// answer.
const waitLimit = 5 * time.Second

// seeWait sees what the Wait delivers that began before the fault.
func (f *faulty) seeWait() {
	select {
	case status := <-f.wait:
		if err := status.Error(); err != nil {
			f.see("Wait", fmt.Sprintf("code %d, %s", status.ExitCode(), class(err)))
			return
		}
		f.see("Wait", fmt.Sprint("code ", status.ExitCode()))
	case <-time.After(waitLimit):
		f.see("Wait", "blocks")
	}
}

// waitSent is when the Wait of a client, which goes on in the background, has
// reached the shim.
const waitSent = 50 * time.Millisecond

// RunFault runs a case and describes what was seen. Nothing is left.
func RunFault(ctx context.Context, w World, id string, c FaultCase) (_ string, err error) {
	client, err := w.Client()
	if err != nil {
		return "", err
	}
	f := &faulty{subject: &subject{w: w, client: client, id: id}}
	defer func() { err = errors.Join(err, f.remove(ctx), f.client.Close()) }()
	if err := f.stage(ctx, c.State); err != nil {
		return "", err
	}
	if f.wait, err = f.task.Wait(ctx); err != nil {
		return "", err
	}
	time.Sleep(waitSent)
	if err := c.do(ctx, f); err != nil {
		return "", err
	}
	return strings.Join(f.seen, "; "), nil
}

// Faults are what was seen in each case.
type Faults map[string]string

// Key names a case in Faults.
func (c FaultCase) Key() string { return fmt.Sprintf("%s, %s", c.State, c.Name) }

// String writes what was seen as lines of case and description.
func (f Faults) String() string {
	var b strings.Builder
	for _, c := range FaultCases() {
		fmt.Fprintf(&b, "%s\t%s\n", c.Key(), f[c.Key()])
	}
	return b.String()
}

// ParseFaults is the inverse of String.
func ParseFaults(text string) (Faults, error) {
	f := Faults{}
	for line := range strings.Lines(text) {
		key, seen, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			return nil, fmt.Errorf("line %q does not have two fields", line)
		}
		f[key] = seen
	}
	return f, nil
}
