package fakes

import (
	"context"
	"fmt"

	"github.com/containerd/containerd/v2/pkg/namespaces"
)

// unplanned is what a call panics with that this fake has no answer to. An error
// could be taken for an answer of containerd, and swallowed.
func unplanned(call, object string) string {
	return fmt.Sprintf("fakes: unplanned call %s(%q): the fake containerd does not implement it", call, object)
}

// unplannedNamespaces are the calls of the namespace service without an answer.
type unplannedNamespaces struct{}

func (unplannedNamespaces) Create(_ context.Context, namespace string, _ map[string]string) error {
	panic(unplanned("namespaces.Create", namespace))
}

func (unplannedNamespaces) SetLabel(_ context.Context, namespace, _, _ string) error {
	panic(unplanned("namespaces.SetLabel", namespace))
}

func (unplannedNamespaces) List(context.Context) ([]string, error) {
	panic(unplanned("namespaces.List", ""))
}

func (unplannedNamespaces) Delete(_ context.Context, namespace string, _ ...namespaces.DeleteOpts) error {
	panic(unplanned("namespaces.Delete", namespace))
}
