package fakes

import (
	"context"

	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/startrace/startrace/sim"
)

// The hooks into the simulation; tests put themselves in their place.
var (
	point  = sim.Point
	choose = sim.Choose
)

// attempt is the life of a call: it passes the points before-effect,
// after-effect and reply, with a possible fault on either side of the effect.
func attempt[T any](faults *Faults, call, id string, effect func() (T, error)) (reply T, err error) {
	point(call+"/before-effect", id)
	fault := faults.next(call, id)
	if fault == nil || fault.After {
		reply, err = effect()
		point(call+"/after-effect", id)
	}
	point(call+"/reply", id)
	if fault != nil {
		err = fault.Err
	}
	if err != nil {
		var none T
		return none, err
	}
	return reply, nil
}

// serve is attempt for an RPC: an ended context is refused, one that ends on the
// way hides the outcome but not the effect. Errors are gRPC statuses, as from a
// connection.
func serve[T any](ctx context.Context, faults *Faults, call, id string, effect func() (T, error)) (T, error) {
	err := ctx.Err()
	if err == nil {
		var reply T
		reply, err = attempt(faults, call, id, effect)
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			return reply, nil
		}
	}
	var none T
	return none, toStatus(err)
}

// native is serve for the services whose Go interface is not the gRPC one: the
// real client translates their errors on the way back.
func native[T any](ctx context.Context, faults *Faults, call, id string, effect func() (T, error)) (T, error) {
	reply, err := serve(ctx, faults, call, id, effect)
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
