package serve

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/containerd/containerd/v2/core/remotes/docker"
)

// mirror returns what has each image come from the registry at a URL.
func mirror(at string) (docker.RegistryHosts, error) {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("mirror %q is no URL of a registry, such as http://127.0.0.1:5000", at)
	}
	return func(string) ([]docker.RegistryHost, error) {
		return []docker.RegistryHost{{
			Client:       http.DefaultClient,
			Scheme:       u.Scheme,
			Host:         u.Host,
			Path:         "/v2",
			Capabilities: docker.HostCapabilityPull | docker.HostCapabilityResolve,
		}}, nil
	}, nil
}
