// Package variants holds what the variants of the service have in common with
// whoever builds them: the [Env] they run in. Each variant is a package below
// this one: the algorithm of a moment in the history of containerd's CRI
// service, in our own words, with the races that it had.
//
// A variant is no implementation to use. What it does wrong it does wrong on
// purpose, and its package comment says so; the rest is meant to be right.
package variants

import (
	containerd "github.com/containerd/containerd/v2/client"

	"github.com/startrace/startrace/impl"
)

// Env is the world of one service.
type Env struct {
	Client      *containerd.Client
	Checkpoints Checkpoints

	Namespace      string // containerd namespace, "" for "k8s.io"
	Runtime        string // passed to containerd.WithRuntime, "" for the client's default
	RuntimeOptions any    // with Runtime
	CgroupParent   string // "" for the default of the spec

	// NewID returns ids for those that do not count their containers; nil: random
	// ones.
	NewID func() string

	// Pause is what runs in each sandbox, Hooks is told of starts and ends; nil:
	// nothing. They are for variants that say that they have them.
	Pause *impl.Pause
	Hooks impl.Hooks
}

// Checkpoints is the state directory: one record per container.
type Checkpoints interface {
	// Write replaces the record. After nil it survives a crash; after an
	// error the record is the old one or the new one.
	Write(id string, data []byte) error
	// Read returns an error of class errdefs.ErrNotFound if there is no record.
	Read(id string) ([]byte, error)
	// List returns all ids, sorted.
	List() ([]string, error)
	// Remove returns nil if there is no record.
	Remove(id string) error
}
