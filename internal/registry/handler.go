package registry

import (
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"sync"

	"github.com/opencontainers/go-digest"
)

var request = regexp.MustCompile(`^/v2/(.+)/(manifests|blobs)/([^/]+)$`)

// Handler serves images read-only. find returns the image of a repository under a
// tag, nil if there is none; it is not called concurrently. By its digest an image
// is to be had from each repository, once find has returned it.
func Handler(find func(repository, tag string) *Image) http.Handler {
	var mu sync.Mutex
	served := map[digest.Digest]blob{}
	// lookup returns what a path names.
	lookup := func(repository, kind, name string) (digest.Digest, blob, bool) {
		d := digest.Digest(name)
		mu.Lock()
		defer mu.Unlock()
		if kind == "manifests" && d.Validate() != nil {
			image := find(repository, name)
			if image == nil {
				return d, blob{}, false
			}
			maps.Copy(served, image.blobs)
			d = image.Digest()
		}
		b, ok := served[d]
		return d, b, ok
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		asked := request.FindStringSubmatch(r.URL.Path)
		if asked == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.NotFound(w, r)
			return
		}
		d, b, ok := lookup(asked[1], asked[2], asked[3])
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", b.mediaType)
		w.Header().Set("Content-Length", strconv.Itoa(len(b.data)))
		w.Header().Set("Docker-Content-Digest", d.String())
		if r.Method == http.MethodGet {
			_, _ = w.Write(b.data) // the client notices
		}
	})
}
