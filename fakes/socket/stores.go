package socket

import (
	"context"
	"maps"

	introspectionapi "github.com/containerd/containerd/api/services/introspection/v1"
	leasesapi "github.com/containerd/containerd/api/services/leases/v1"
	namespacesapi "github.com/containerd/containerd/api/services/namespaces/v1"
	sandboxapi "github.com/containerd/containerd/api/services/sandbox/v1"
	versionapi "github.com/containerd/containerd/api/services/version/v1"
	"github.com/containerd/containerd/v2/core/introspection"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/sandbox"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type version struct {
	versionapi.UnimplementedVersionServer
	release string
}

func (v version) Version(context.Context, *emptypb.Empty) (*versionapi.VersionResponse, error) {
	return &versionapi.VersionResponse{Version: v.release, Revision: "startrace-fake"}, nil
}

type introspector struct {
	introspectionapi.UnimplementedIntrospectionServer
	service introspection.Service
}

func (i introspector) Plugins(ctx context.Context, r *introspectionapi.PluginsRequest) (*introspectionapi.PluginsResponse, error) {
	reply, err := i.service.Plugins(ctx, r.GetFilters()...)
	return reply, errgrpc.ToGRPC(err)
}

func (i introspector) Server(ctx context.Context, _ *emptypb.Empty) (*introspectionapi.ServerResponse, error) {
	reply, err := i.service.Server(ctx)
	return reply, errgrpc.ToGRPC(err)
}

type namespaceStore struct {
	namespacesapi.UnimplementedNamespacesServer
	store namespaces.Store
}

func (s namespaceStore) Get(ctx context.Context, r *namespacesapi.GetNamespaceRequest) (*namespacesapi.GetNamespaceResponse, error) {
	labels, err := s.store.Labels(ctx, r.GetName())
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &namespacesapi.GetNamespaceResponse{Namespace: &namespacesapi.Namespace{Name: r.GetName(), Labels: labels}}, nil
}

func (s namespaceStore) List(ctx context.Context, _ *namespacesapi.ListNamespacesRequest) (*namespacesapi.ListNamespacesResponse, error) {
	names, err := s.store.List(ctx)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	reply := &namespacesapi.ListNamespacesResponse{}
	for _, name := range names {
		labels, err := s.store.Labels(ctx, name)
		if err != nil {
			return nil, errgrpc.ToGRPC(err)
		}
		reply.Namespaces = append(reply.Namespaces, &namespacesapi.Namespace{Name: name, Labels: labels})
	}
	return reply, nil
}

func (s namespaceStore) Create(ctx context.Context, r *namespacesapi.CreateNamespaceRequest) (*namespacesapi.CreateNamespaceResponse, error) {
	n := r.GetNamespace()
	if err := s.store.Create(ctx, n.GetName(), n.GetLabels()); err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &namespacesapi.CreateNamespaceResponse{Namespace: n}, nil
}

func (s namespaceStore) Update(ctx context.Context, r *namespacesapi.UpdateNamespaceRequest) (*namespacesapi.UpdateNamespaceResponse, error) {
	n := r.GetNamespace()
	for name, value := range n.GetLabels() {
		if err := s.store.SetLabel(ctx, n.GetName(), name, value); err != nil {
			return nil, errgrpc.ToGRPC(err)
		}
	}
	labels, err := s.store.Labels(ctx, n.GetName())
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &namespacesapi.UpdateNamespaceResponse{Namespace: &namespacesapi.Namespace{Name: n.GetName(), Labels: labels}}, nil
}

func (s namespaceStore) Delete(ctx context.Context, r *namespacesapi.DeleteNamespaceRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, errgrpc.ToGRPC(s.store.Delete(ctx, r.GetName()))
}

type leaseManager struct {
	leasesapi.UnimplementedLeasesServer
	manager leases.Manager
}

func (m leaseManager) Create(ctx context.Context, r *leasesapi.CreateRequest) (*leasesapi.CreateResponse, error) {
	l, err := m.manager.Create(ctx, leases.WithID(r.GetID()), leases.WithLabels(maps.Clone(r.GetLabels())))
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &leasesapi.CreateResponse{Lease: leaseToProto(l)}, nil
}

func (m leaseManager) Delete(ctx context.Context, r *leasesapi.DeleteRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, errgrpc.ToGRPC(m.manager.Delete(ctx, leases.Lease{ID: r.GetID()}))
}

func (m leaseManager) List(ctx context.Context, r *leasesapi.ListRequest) (*leasesapi.ListResponse, error) {
	all, err := m.manager.List(ctx, r.GetFilters()...)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	reply := &leasesapi.ListResponse{}
	for _, l := range all {
		reply.Leases = append(reply.Leases, leaseToProto(l))
	}
	return reply, nil
}

func (m leaseManager) AddResource(ctx context.Context, r *leasesapi.AddResourceRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, errgrpc.ToGRPC(m.manager.AddResource(ctx, leases.Lease{ID: r.GetID()}, resource(r.GetResource())))
}

func (m leaseManager) DeleteResource(ctx context.Context, r *leasesapi.DeleteResourceRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, errgrpc.ToGRPC(m.manager.DeleteResource(ctx, leases.Lease{ID: r.GetID()}, resource(r.GetResource())))
}

func (m leaseManager) ListResources(ctx context.Context, r *leasesapi.ListResourcesRequest) (*leasesapi.ListResourcesResponse, error) {
	all, err := m.manager.ListResources(ctx, leases.Lease{ID: r.GetID()})
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	reply := &leasesapi.ListResourcesResponse{}
	for _, held := range all {
		reply.Resources = append(reply.Resources, &leasesapi.Resource{ID: held.ID, Type: held.Type})
	}
	return reply, nil
}

func resource(p *leasesapi.Resource) leases.Resource {
	return leases.Resource{ID: p.GetID(), Type: p.GetType()}
}

func leaseToProto(l leases.Lease) *leasesapi.Lease {
	return &leasesapi.Lease{ID: l.ID, Labels: l.Labels, CreatedAt: timestamppb.New(l.CreatedAt)}
}

type sandboxStore struct {
	sandboxapi.UnimplementedStoreServer
	store sandbox.Store
}

func (s sandboxStore) Create(ctx context.Context, r *sandboxapi.StoreCreateRequest) (*sandboxapi.StoreCreateResponse, error) {
	b, err := s.store.Create(ctx, sandbox.FromProto(r.GetSandbox()))
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &sandboxapi.StoreCreateResponse{Sandbox: sandbox.ToProto(&b)}, nil
}

func (s sandboxStore) Update(ctx context.Context, r *sandboxapi.StoreUpdateRequest) (*sandboxapi.StoreUpdateResponse, error) {
	b, err := s.store.Update(ctx, sandbox.FromProto(r.GetSandbox()), r.GetFields()...)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &sandboxapi.StoreUpdateResponse{Sandbox: sandbox.ToProto(&b)}, nil
}

func (s sandboxStore) Delete(ctx context.Context, r *sandboxapi.StoreDeleteRequest) (*sandboxapi.StoreDeleteResponse, error) {
	return &sandboxapi.StoreDeleteResponse{}, errgrpc.ToGRPC(s.store.Delete(ctx, r.GetSandboxID()))
}

func (s sandboxStore) List(ctx context.Context, r *sandboxapi.StoreListRequest) (*sandboxapi.StoreListResponse, error) {
	all, err := s.store.List(ctx, r.GetFilters()...)
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	reply := &sandboxapi.StoreListResponse{}
	for _, b := range all {
		reply.List = append(reply.List, sandbox.ToProto(&b))
	}
	return reply, nil
}

func (s sandboxStore) Get(ctx context.Context, r *sandboxapi.StoreGetRequest) (*sandboxapi.StoreGetResponse, error) {
	b, err := s.store.Get(ctx, r.GetSandboxID())
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &sandboxapi.StoreGetResponse{Sandbox: sandbox.ToProto(&b)}, nil
}
