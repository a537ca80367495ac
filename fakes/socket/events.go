package socket

import (
	"context"

	eventsapi "github.com/containerd/containerd/api/services/events/v1"
	"github.com/containerd/containerd/api/types"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/typeurl/v2"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// exchange is the other side of containerd's client/events.go.
type exchange struct {
	eventsapi.UnimplementedEventsServer
	service containerd.EventService
}

func (e exchange) Publish(ctx context.Context, r *eventsapi.PublishRequest) (*emptypb.Empty, error) {
	event, err := typeurl.UnmarshalAny(r.GetEvent())
	if err != nil {
		return nil, errgrpc.ToGRPC(err)
	}
	return &emptypb.Empty{}, errgrpc.ToGRPC(e.service.Publish(ctx, r.GetTopic(), event))
}

func (e exchange) Forward(ctx context.Context, r *eventsapi.ForwardRequest) (*emptypb.Empty, error) {
	p := r.GetEnvelope()
	return &emptypb.Empty{}, errgrpc.ToGRPC(e.service.Forward(ctx, &events.Envelope{
		Timestamp: p.GetTimestamp().AsTime(), Namespace: p.GetNamespace(), Topic: p.GetTopic(), Event: p.GetEvent(),
	}))
}

func (e exchange) Subscribe(r *eventsapi.SubscribeRequest, out eventsapi.Events_SubscribeServer) error {
	ch, errs := e.service.Subscribe(out.Context(), r.GetFilters()...)
	for {
		select {
		case envelope := <-ch:
			if err := out.Send(&types.Envelope{
				Timestamp: timestamppb.New(envelope.Timestamp), Namespace: envelope.Namespace,
				Topic: envelope.Topic, Event: typeurl.MarshalProto(envelope.Event),
			}); err != nil {
				return err
			}
		case err := <-errs:
			return errgrpc.ToGRPC(err)
		}
	}
}
