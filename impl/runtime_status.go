package impl

import (
	"context"
	"time"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	// criVersion and apiVersion are what every runtime of today says.
	criVersion = "0.1.0"
	apiVersion = "v1"

	runtimeName    = "startrace"
	runtimeVersion = "0.1.0"

	// statusTimeout is how long containerd may take to say that it is there.
	statusTimeout = 2 * time.Second
	// notReadyReason describes a containerd that did not.
	notReadyReason = "ContainerdNotReady"
)

// Version returns the name and the version of the service.
func (s *Service) Version(context.Context, *runtime.VersionRequest) (*runtime.VersionResponse, error) {
	return &runtime.VersionResponse{
		Version:           criVersion,
		RuntimeName:       runtimeName,
		RuntimeVersion:    runtimeVersion,
		RuntimeApiVersion: apiVersion,
	}, nil
}

// Status reports whether containerd answers, for which it waits up to 2 s, and
// that the network is ready: that of the machine is.
func (s *Service) Status(ctx context.Context, _ *runtime.StatusRequest) (*runtime.StatusResponse, error) {
	ready := &runtime.RuntimeCondition{Type: runtime.RuntimeReady, Status: true}
	ctx, cancel := context.WithTimeout(s.withNamespace(ctx), statusTimeout)
	defer cancel()
	if _, err := s.client.IntrospectionService().Server(ctx); err != nil {
		ready.Status, ready.Reason, ready.Message = false, notReadyReason, err.Error()
	}
	return &runtime.StatusResponse{Status: &runtime.RuntimeStatus{Conditions: []*runtime.RuntimeCondition{
		ready,
		{Type: runtime.NetworkReady, Status: true},
	}}}, nil
}
