package fakes

import (
	"context"
	"time"

	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/sim"
)

// The hooks into the simulation; tests put themselves in their place.
var (
	point  = sim.Point
	choose = sim.Choose
)

// wire is the way of a call to its effect and back, with what may go wrong.
type wire struct {
	faults *Faults
	hooks  *Hooks
	daemon *Containerd // nil for a disk
}

// attempt is the life of a call: it passes the points before-effect,
// after-effect and reply, with a possible fault at each of them.
func attempt[T any](ctx context.Context, w *wire, call, id string, effect func() (T, error)) (reply T, err error) {
	run := w.daemon.run()
	if run.alive() != nil {
		return reply, errRefused
	}
	caller := callerOf(ctx)
	if err := caller.Alive(); err != nil {
		return reply, err
	}
	defer w.hooks.enter(call)()
	point(call+failpoint.Before, id)
	fault := w.faults.next(call, id)
	o := w.at(ctx, run, call, failpoint.Before, id)
	switch {
	case o.late != nil:
		o.late.start(call, id, func() {
			if run.alive() == nil && caller.Alive() == nil { // it dies with either end of its connection
				_, _ = effect()
			}
		})
		err = o.err
	case o.err != nil:
		err = o.err
	case fault == nil || fault.After:
		if err = run.alive(); err != nil {
			break
		}
		if err = caller.Alive(); err != nil {
			break
		}
		reply, err = effect()
		point(call+failpoint.After, id)
		if o := w.at(ctx, run, call, failpoint.After, id); o.err != nil {
			err = o.err
		}
	}
	point(call+failpoint.Reply, id)
	if o := w.at(ctx, run, call, failpoint.Reply, id); o.err != nil {
		err = o.err
	}
	if fault != nil {
		err = fault.Err
	}
	if err == nil {
		err = run.alive()
	}
	if err == nil {
		err = caller.Alive()
	}
	if err != nil {
		var none T
		return none, err
	}
	return reply, nil
}

// outcome is what a fault makes of a call at one of its points.
type outcome struct {
	err  error
	late *lateness // the effect happens nevertheless, later
}

// lateness is when an effect happens whose call has failed already.
type lateness struct{ at time.Time }

func (l *lateness) start(call, id string, effect func()) {
	sim.Go("late "+call, func() {
		time.Sleep(time.Until(l.at))
		point(call+"/late-effect", id)
		effect()
	})
}

// at runs the hooks and the plan at a point of a call.
func (w *wire) at(ctx context.Context, run *session, call, phase, id string) outcome {
	if w.hooks != nil {
		if err := w.hooks.run(ctx, call+phase, id); err != nil {
			return outcome{err: err}
		}
	}
	a := w.faults.evaluate(call+phase, id)
	if a == nil {
		return outcome{}
	}
	switch a.Name {
	case "error":
		return outcome{err: a.Err()}
	case "later":
		return outcome{err: a.Err(), late: &lateness{at: time.Now()}}
	case "slow":
		d := a.Duration()
		late := &lateness{at: time.Now().Add(d)}
		if err := run.sleep(ctx, d); err != nil {
			return outcome{err: err, late: late}
		}
	case "delay":
		d := a.Duration()
		return outcome{err: run.sleep(ctx, d)}
	case "block":
		return outcome{err: run.block(ctx, w.faults)}
	case "panic":
		panic("fakes: planned panic at " + call + phase + ": " + a.Arg)
	default:
		w.daemon.perform(ctx, *a, id)
	}
	return outcome{}
}

// serve is attempt for an RPC: an ended context is refused, one that ends on the
// way hides the outcome but not the effect. Errors are gRPC statuses, as from a
// connection.
func serve[T any](ctx context.Context, c *Containerd, call, id string, effect func() (T, error)) (T, error) {
	err := ctx.Err()
	if err == nil {
		var reply T
		reply, err = attempt(ctx, &c.wire, call, id, effect)
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			return reply, nil
		}
	}
	var none T
	return none, c.opts.Profile.text(toStatus(err))
}

// native is serve for the services whose Go interface is not the gRPC one: the
// real client translates their errors on the way back.
func native[T any](ctx context.Context, c *Containerd, call, id string, effect func() (T, error)) (T, error) {
	reply, err := serve(ctx, c, call, id, effect)
	return reply, errgrpc.ToNative(err)
}

// toStatus returns what a connection makes of err: an error without a class
// arrives as Unknown.
func toStatus(err error) error {
	err = errgrpc.ToGRPC(err)
	if _, ok := status.FromError(err); !ok {
		err = status.Error(codes.Unknown, err.Error())
	}
	return err
}
