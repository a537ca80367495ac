package serve

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/impl"
)

// expander replaces the begin of an id in a request by the whole. containerd's CRI
// plugin takes both (internal/truncindex), and crictl shows no more than the begin.
type expander struct{ service *impl.Service }

func (e expander) unary(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if m, ok := request.(proto.Message); ok {
		if err := e.expand(ctx, m.ProtoReflect()); err != nil {
			return nil, errgrpc.ToGRPC(err)
		}
	}
	return handler(ctx, request)
}

// expand looks at the fields of m that are ids, and at those of a filter.
func (e expander) expand(ctx context.Context, m protoreflect.Message) error {
	filter := strings.HasSuffix(string(m.Descriptor().Name()), "Filter")
	kind := m.Descriptor().FullName()
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		var ids func(context.Context) ([]string, error)
		switch name := f.Name(); {
		case name == "filter" && m.Has(f):
			if err := e.expand(ctx, m.Get(f).Message()); err != nil {
				return err
			}
			continue
		case name == "container_id" || filter && name == "id" && strings.Contains(string(kind), ".Container"):
			ids = e.containers
		case name == "pod_sandbox_id" || filter && name == "id" && strings.Contains(string(kind), ".PodSandbox"):
			ids = e.sandboxes
		default:
			continue
		}
		short := m.Get(f).String()
		if short == "" {
			continue
		}
		all, err := ids(ctx)
		if err != nil {
			return err
		}
		id, err := whole(short, all)
		if err != nil {
			return err
		}
		m.Set(f, protoreflect.ValueOfString(id))
	}
	return nil
}

// whole returns the one id that begins with short; short itself if there is none.
func whole(short string, ids []string) (string, error) {
	found := short
	for _, id := range ids {
		switch {
		case id == short:
			return id, nil
		case !strings.HasPrefix(id, short):
		case found != short:
			return "", fmt.Errorf("several ids begin with %q: %w", short, errdefs.ErrInvalidArgument)
		default:
			found = id
		}
	}
	return found, nil
}

func (e expander) containers(ctx context.Context) (ids []string, _ error) {
	r, err := e.service.ListContainers(ctx, &runtime.ListContainersRequest{})
	for _, c := range r.GetContainers() {
		ids = append(ids, c.GetId())
	}
	return ids, err
}

func (e expander) sandboxes(ctx context.Context) (ids []string, _ error) {
	r, err := e.service.ListPodSandbox(ctx, &runtime.ListPodSandboxRequest{})
	for _, p := range r.GetItems() {
		ids = append(ids, p.GetId())
	}
	return ids, err
}
