package fakes

import (
	"context"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Caller is a process that calls the fake and can be killed: once Crash was
// called, no call of it takes effect or succeeds. What its goroutines do after
// that is seen by nobody. The zero value lives. Safe for concurrent use.
type Caller struct {
	mu   sync.RWMutex
	dead bool
}

type callerKey struct{}

// WithCaller returns a context whose calls are those of caller. A service passes
// it on as long as its contexts are derived from that of its constructor and those
// of its own callers.
func WithCaller(ctx context.Context, caller *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// callerOf returns the caller of ctx; nil for none, which never dies.
func callerOf(ctx context.Context) *Caller {
	caller, _ := ctx.Value(callerKey{}).(*Caller)
	return caller
}

// Crash kills the caller. A call that is at its effect in this moment takes it.
func (c *Caller) Crash() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
}

// Alive returns nil until Crash was called, and an error of class Unavailable
// from then on. It is a scheduling point.
func (c *Caller) Alive() error {
	if c == nil {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.dead {
		return errKilled
	}
	return nil
}

var errKilled = status.Error(codes.Unavailable, "the caller was killed")
