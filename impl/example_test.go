package impl_test

import (
	"context"
	"fmt"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/impl"
)

// A service on a containerd that lives in this process. For a real one the
// client comes from containerd.New with the address of its socket, and the
// checkpoints from impl.NewCheckpointDir.
func Example() {
	ctx := context.Background()
	world := fakes.New(fakes.Options{})
	client, err := world.Client()
	if err != nil {
		panic(err)
	}
	service, err := impl.New(ctx, impl.Config{Client: client, Checkpoints: fakes.NewCheckpoints(fakes.Options{})})
	if err != nil {
		panic(err)
	}
	defer service.Close()

	pod, err := service.RunPodSandbox(ctx, &runtime.RunPodSandboxRequest{})
	if err != nil {
		panic(err)
	}
	container, err := service.CreateContainer(ctx, &runtime.CreateContainerRequest{
		PodSandboxId: pod.GetPodSandboxId(),
		Config:       &runtime.ContainerConfig{Image: &runtime.ImageSpec{Image: "/rootfs"}, Command: []string{"/init"}},
	})
	if err != nil {
		panic(err)
	}
	id := container.GetContainerId()
	if _, err := service.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: id}); err != nil {
		panic(err)
	}
	_, err = service.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: id})
	fmt.Println("a second start is refused:", err != nil)
	if _, err := service.StopContainer(ctx, &runtime.StopContainerRequest{ContainerId: id, Timeout: 10}); err != nil {
		panic(err)
	}
	status, err := service.ContainerStatus(ctx, &runtime.ContainerStatusRequest{ContainerId: id})
	if err != nil {
		panic(err)
	}
	fmt.Println(status.GetStatus().GetState(), status.GetStatus().GetExitCode())
	// Output:
	// a second start is refused: true
	// CONTAINER_EXITED 143
}
