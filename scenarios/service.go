package scenarios

import (
	"context"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Service is what a scenario drives: the calls of the CRI that move one
// container through its life, and the pod sandbox it lives in. The reference
// and every variant implement it. All methods may be called concurrently.
type Service interface {
	RunPodSandbox(context.Context, *runtime.RunPodSandboxRequest) (*runtime.RunPodSandboxResponse, error)
	StopPodSandbox(context.Context, *runtime.StopPodSandboxRequest) (*runtime.StopPodSandboxResponse, error)
	RemovePodSandbox(context.Context, *runtime.RemovePodSandboxRequest) (*runtime.RemovePodSandboxResponse, error)

	CreateContainer(context.Context, *runtime.CreateContainerRequest) (*runtime.CreateContainerResponse, error)
	StartContainer(context.Context, *runtime.StartContainerRequest) (*runtime.StartContainerResponse, error)
	StopContainer(context.Context, *runtime.StopContainerRequest) (*runtime.StopContainerResponse, error)
	RemoveContainer(context.Context, *runtime.RemoveContainerRequest) (*runtime.RemoveContainerResponse, error)
	ContainerStatus(context.Context, *runtime.ContainerStatusRequest) (*runtime.ContainerStatusResponse, error)
	ListContainers(context.Context, *runtime.ListContainersRequest) (*runtime.ListContainersResponse, error)

	// Close ends the goroutines of the service and waits for them. It leaves
	// the containers as they are.
	Close() error
}
