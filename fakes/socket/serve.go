package socket

import (
	"context"
	"errors"
	"fmt"
	"net"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	contentapi "github.com/containerd/containerd/api/services/content/v1"
	diffapi "github.com/containerd/containerd/api/services/diff/v1"
	eventsapi "github.com/containerd/containerd/api/services/events/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	introspectionapi "github.com/containerd/containerd/api/services/introspection/v1"
	leasesapi "github.com/containerd/containerd/api/services/leases/v1"
	namespacesapi "github.com/containerd/containerd/api/services/namespaces/v1"
	sandboxapi "github.com/containerd/containerd/api/services/sandbox/v1"
	snapshotsapi "github.com/containerd/containerd/api/services/snapshots/v1"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	versionapi "github.com/containerd/containerd/api/services/version/v1"
	"github.com/containerd/containerd/v2/contrib/diffservice"
	"github.com/containerd/containerd/v2/plugins/services/content/contentserver"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthapi "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/startrace/startrace/fakes"
)

// Serve serves world on l until ctx ends, and closes l. It returns nil after
// the end of ctx, and what went wrong otherwise.
func Serve(ctx context.Context, world *fakes.Containerd, l net.Listener) error {
	client, err := world.Client()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(unary), grpc.ChainStreamInterceptor(stream))
	tasksapi.RegisterTasksServer(server, tasks{client: client.TaskService()})
	containersapi.RegisterContainersServer(server, containerStore{store: client.ContainerService()})
	eventsapi.RegisterEventsServer(server, exchange{service: client.EventService()})
	namespacesapi.RegisterNamespacesServer(server, namespaceStore{store: client.NamespaceService()})
	leasesapi.RegisterLeasesServer(server, leaseManager{manager: client.LeasesService()})
	imagesapi.RegisterImagesServer(server, imageStore{store: client.ImageService()})
	contentapi.RegisterContentServer(server, contentserver.New(client.ContentStore()))
	snapshotsapi.RegisterSnapshotsServer(server, snapshotters{client: client})
	diffapi.RegisterDiffServer(server, diffservice.FromApplierAndComparer(client.DiffService(), client.DiffService()))
	sandboxapi.RegisterStoreServer(server, sandboxStore{store: client.SandboxStore()})
	introspectionapi.RegisterIntrospectionServer(server, introspector{service: client.IntrospectionService()})
	versionapi.RegisterVersionServer(server, version{release: world.Release()})
	healthapi.RegisterHealthServer(server, health.NewServer())

	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		server.Stop()
		close(stopped)
	})
	err = server.Serve(l)
	if !stop() {
		<-stopped
	}
	if ctx.Err() != nil {
		return nil
	}
	server.Stop()
	return fmt.Errorf("serve the fake containerd: %w", err)
}

// unary makes an error of a panic about a call that is not planned.
func unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (_ any, err error) {
	defer refuse(&err)
	return handler(ctx, req)
}

func stream(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer refuse(&err)
	return handler(srv, s)
}

func refuse(err *error) {
	if v := recover(); v != nil {
		*err = status.Error(codes.Unimplemented, fmt.Sprint(v))
	}
}
