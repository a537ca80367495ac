package impl

import "context"

// answer is what becomes of a call of the runtime that makes something. Its caller may
// give up; the call goes on, since what it asked for may come about later, and only its
// answer says that there is nothing to undo any more or that there is
// (containerd#11037).
type answer[T any] struct {
	given chan struct{} // closed when the others are set
	value T
	err   error
}

// ask makes the call, until it is answered or the service is closed.
func ask[T any](s *Service, call func(context.Context) (T, error)) *answer[T] {
	a := &answer[T]{given: make(chan struct{})}
	if !s.background(func(ctx context.Context) {
		defer close(a.given)
		a.value, a.err = call(ctx)
	}) {
		a.err = errClosed
		close(a.given)
	}
	return a
}

// wait returns the answer, or that ctx has ended before.
func (a *answer[T]) wait(ctx context.Context) (T, error) {
	select {
	case <-a.given:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// settle returns nil when the call is over, whatever came of it.
func (a *answer[T]) settle(ctx context.Context) error {
	select {
	case <-a.given:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
