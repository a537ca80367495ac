package daemon_test

import (
	"context"
	"fmt"
	"log"

	"github.com/startrace/startrace/internal/daemon"
	"github.com/startrace/startrace/internal/initproc"
)

// A container that exits with code 7, in a daemon that leaves nothing. It
// takes root and is not run as a test; TestLifecycle does the same.
func ExampleStart() {
	ctx := context.Background()
	d, err := daemon.Start(ctx, daemon.Options{Logf: log.Printf})
	if err != nil {
		log.Fatal(err) // daemon.Available would have said so beforehand
	}
	client, err := d.Client()
	if err != nil {
		log.Fatal(err)
	}
	task, err := newTask(ctx, d, client, "example", initproc.Command{Code: 7})
	if err != nil {
		log.Fatal(err)
	}
	exit, err := task.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := task.Start(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println((<-exit).ExitCode())

	if err := d.Stop(); err != nil {
		log.Fatal(err)
	}
	left, err := d.Census(ctx)
	fmt.Println(left.Empty(), err)
}
