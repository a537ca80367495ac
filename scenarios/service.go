package scenarios

import (
	"context"

	"google.golang.org/grpc"
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

// Updater is a Service that can change the resources of a container.
type Updater interface {
	UpdateContainerResources(context.Context, *runtime.UpdateContainerResourcesRequest) (*runtime.UpdateContainerResourcesResponse, error)
}

// Execer is a Service that can run a command in a container.
type Execer interface {
	ExecSync(context.Context, *runtime.ExecSyncRequest) (*runtime.ExecSyncResponse, error)
}

// Watcher is a Service that tells subscribers of transitions.
type Watcher interface {
	GetContainerEvents(*runtime.GetEventsRequest, grpc.ServerStreamingServer[runtime.ContainerEventResponse]) error
}
