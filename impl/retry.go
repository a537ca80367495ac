package impl

import (
	"context"
	"time"

	"github.com/containerd/log"
)

const (
	minBackoff = 100 * time.Millisecond
	maxBackoff = 30 * time.Second
)

// backoff counts the pauses between tries; each is twice as long as the last.
// The zero value is ready to use.
type backoff struct{ last time.Duration }

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, minBackoff), maxBackoff)
	return b.last
}

// pause waits for the next pause to pass or for done to be closed; nil never
// is. It returns the error of ctx if that ends first.
func (b *backoff) pause(ctx context.Context, done <-chan struct{}) error {
	timer := time.NewTimer(b.next())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// retry calls fn until it succeeds and reports whether it did before ctx ended.
func retry(ctx context.Context, what string, fn func(context.Context) error) bool {
	for b := (backoff{}); ctx.Err() == nil; {
		err := once(ctx, fn)
		if err == nil {
			return true
		}
		log.G(ctx).WithError(err).Warnf("Failed to %s, will retry", what)
		if b.pause(ctx, nil) != nil {
			break
		}
	}
	return false
}

// once calls fn with the time that one try of a background call may take.
func once(ctx context.Context, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return fn(ctx)
}
