package fakes_test

import (
	"context"
	"fmt"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"

	"github.com/startrace/startrace/fakes"
	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/model"
)

// A container runs once; errors, of which there are none, are left out.
func Example() {
	world := fakes.New(fakes.Options{Record: func(e model.Event) {
		if e.Kind == model.Exited {
			fmt.Println("truth: exit", e.Code)
		}
	}})
	client, _ := world.Client()
	ctx := namespaces.WithNamespace(context.Background(), fakes.Namespace)

	c, _ := client.NewContainer(ctx, "c1", containerd.WithNewSpec(oci.WithProcessArgs("/true")))
	task, _ := c.NewTask(ctx, cio.NullIO)
	wait, _ := task.Wait(ctx)
	_ = task.Start(ctx)
	fmt.Println("second start:", task.Start(ctx))

	world.Exit("c1", 7)
	exit := <-wait
	fmt.Println("client: exit", exit.ExitCode())
	_, _ = task.Delete(ctx)
	_ = c.Delete(ctx)
	// Output:
	// second start: cannot start a running process
	// truth: exit 7
	// client: exit 7
}

// The first Start takes effect, and its reply gets lost.
func Example_plan() {
	world := fakes.New(fakes.Options{Faults: &fakes.Faults{
		Plan: failpoint.MustParse("tasks.Start/reply=1*error(unavailable)"),
	}})
	client, _ := world.Client()
	ctx := namespaces.WithNamespace(context.Background(), fakes.Namespace)

	c, _ := client.NewContainer(ctx, "c1", containerd.WithNewSpec(oci.WithProcessArgs("/true")))
	task, _ := c.NewTask(ctx, cio.NullIO)
	fmt.Println("start:", task.Start(ctx))
	fmt.Println("again:", task.Start(ctx))
	// Output:
	// start: injected fault: unavailable
	// again: cannot start a running process
}
