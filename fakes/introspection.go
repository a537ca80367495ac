package fakes

import (
	"context"
	"fmt"

	introspectionapi "github.com/containerd/containerd/api/services/introspection/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/containerd/containerd/v2/core/introspection"
	"github.com/containerd/containerd/v2/pkg/filters"
	"github.com/containerd/containerd/v2/plugins"
	"github.com/containerd/errdefs"
)

// introspector tells what the daemon consists of: snapshotters and the runtime.
type introspector struct{ c *Containerd }

var _ introspection.Service = introspector{}

// serverID is the UUID that the fake daemon has.
const serverID = "5eed5eed-0000-4000-8000-000000000000"

// snapshotters are the names of those that there are.
var snapshotters = []string{"overlayfs", "native", "btrfs", "blockfile", "devmapper", "erofs", "zfs"}

// Plugins returns the plugins that match any of the filters.
func (i introspector) Plugins(ctx context.Context, fs ...string) (*introspectionapi.PluginsResponse, error) {
	return native(ctx, i.c, "introspection.Plugins", "", func() (*introspectionapi.PluginsResponse, error) {
		filter, err := filters.ParseAll(fs...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", err.Error(), errdefs.ErrInvalidArgument)
		}
		all := []*introspectionapi.Plugin{
			{Type: plugins.RuntimePluginV2.String(), ID: "task"},
			{Type: plugins.ContentPlugin.String(), ID: "content"},
			{Type: plugins.EventPlugin.String(), ID: "exchange"},
		}
		for _, name := range snapshotters {
			all = append(all, &introspectionapi.Plugin{Type: plugins.SnapshotPlugin.String(), ID: name})
		}
		reply := &introspectionapi.PluginsResponse{}
		for _, p := range all {
			p.Platforms = []*types.Platform{{OS: "linux", Architecture: "amd64"}}
			if filter.Match(pluginFields(p)) {
				reply.Plugins = append(reply.Plugins, p)
			}
		}
		return reply, nil
	})
}

func pluginFields(p *introspectionapi.Plugin) filters.Adaptor {
	return filters.AdapterFunc(func(path []string) (string, bool) {
		if len(path) != 1 {
			return "", false
		}
		switch path[0] {
		case "type":
			return p.Type, true
		case "id":
			return p.ID, true
		}
		return "", false
	})
}

// Server describes the daemon.
func (i introspector) Server(ctx context.Context) (*introspectionapi.ServerResponse, error) {
	return native(ctx, i.c, "introspection.Server", "", func() (*introspectionapi.ServerResponse, error) {
		return &introspectionapi.ServerResponse{UUID: serverID, Pid: firstPid, Pidns: 1}, nil
	})
}

// PluginInfo panics: no plugin has anything to say.
func (introspector) PluginInfo(_ context.Context, _, id string, _ any) (*introspectionapi.PluginInfoResponse, error) {
	panic(unplanned("introspection.PluginInfo", id))
}
