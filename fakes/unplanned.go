package fakes

import (
	"context"
	"fmt"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/transfer"
)

// unplanned is what a call panics with that this fake has no answer to. An error
// could be taken for an answer of containerd, and swallowed.
func unplanned(call, object string) string {
	return fmt.Sprintf("fakes: unplanned call %s(%q): the fake containerd does not implement it", call, object)
}

// Whole services without an answer. They exist because the client would
// otherwise turn to the connection that it does not have, a nil pointer.
type (
	transferrer  struct{}
	mountManager struct{}
)

func (transferrer) Transfer(context.Context, any, any, ...transfer.Opt) error {
	panic(unplanned("transfer.Transfer", ""))
}

func (mountManager) Activate(_ context.Context, name string, _ []mount.Mount, _ ...mount.ActivateOpt) (mount.ActivationInfo, error) {
	panic(unplanned("mounts.Activate", name))
}

func (mountManager) Deactivate(_ context.Context, name string) error {
	panic(unplanned("mounts.Deactivate", name))
}

func (mountManager) Info(_ context.Context, name string) (mount.ActivationInfo, error) {
	panic(unplanned("mounts.Info", name))
}

func (mountManager) Update(_ context.Context, i mount.ActivationInfo, _ ...string) (mount.ActivationInfo, error) {
	panic(unplanned("mounts.Update", i.Name))
}

func (mountManager) List(context.Context, ...string) ([]mount.ActivationInfo, error) {
	panic(unplanned("mounts.List", ""))
}
