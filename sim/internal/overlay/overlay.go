// Package overlay makes the controlled Go runtime: patched copies of a few
// files of the standard library of the Go in use, and the overlay.json that
// has the go command build with them.
//
// Nothing of Go's source is kept in this repository. Each edit is anchored to
// a function and to text that must occur in it exactly once; when a Go release
// moved an anchor, [Generate] fails with an [AnchorError] for each, and does
// not guess. The result is cached in the user's cache directory under a hash
// of everything that it depends on.
package overlay

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Tag is the build tag under which a package may use the controlled runtime.
const Tag = "startrace_overlay"

// Supported are the Go releases whose behaviour under the overlay is tested.
var Supported = []string{"go1.26", "go1.27"}

//go:embed _runtime/*.go
var runtimeSource embed.FS

type generator struct {
	goroot  string
	version string
	files   map[string][]byte // relative to GOROOT/src
	errs    []error
}

// Generate returns the path of an overlay.json for the Go in goroot, whose
// version, as go env GOVERSION prints it, is given. It is safe for concurrent
// use, also by several processes.
func Generate(goroot, version string) (string, error) {
	if !supported(version) {
		return "", fmt.Errorf("unsupported Go version %s: the controlled runtime is made for %s; use one of these, or set GOTOOLCHAIN", version, strings.Join(Supported, ", "))
	}
	g := &generator{goroot: goroot, version: version, files: map[string][]byte{}}
	g.patchRuntime()
	g.patchSync()
	g.patchCrypto()
	g.patchMaps()
	if len(g.errs) > 0 {
		return "", fmt.Errorf("the standard library in %s isn't the one that the controlled runtime was made for: %w", goroot, errors.Join(g.errs...))
	}
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	return g.store(filepath.Join(cache, "overlay"))
}

// CacheDir returns the directory for everything that startrace keeps between
// runs: os.UserCacheDir()/startrace.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory (set HOME or XDG_CACHE_HOME): %w", err)
	}
	return filepath.Join(dir, "startrace"), nil
}

// Platform returns an error that says what is supported, unless goos/goarch is.
func Platform(goos, goarch string) error {
	if goos == "linux" && (goarch == "amd64" || goarch == "arm64") {
		return nil
	}
	return fmt.Errorf("unsupported platform %s/%s: the controlled runtime is made for linux/amd64 and linux/arm64", goos, goarch)
}

func supported(version string) bool {
	for _, s := range Supported {
		if version == s || strings.HasPrefix(version, s+".") || strings.HasPrefix(version, s+"rc") {
			return true
		}
	}
	return false
}

func (g *generator) addRuntime() {
	names, err := fs.Glob(runtimeSource, "_runtime/*.go")
	if err != nil {
		g.errs = append(g.errs, err)
		return
	}
	for _, name := range names {
		src, err := runtimeSource.ReadFile(name)
		if err != nil {
			g.errs = append(g.errs, err)
			continue
		}
		g.emit("runtime/"+strings.TrimPrefix(name, "_runtime/"), src)
	}
}

// store writes the overlay into a directory named by its content, unless it is
// there already, and returns the path of its overlay.json.
func (g *generator) store(cache string) (string, error) {
	rels := make([]string, 0, len(g.files))
	for rel := range g.files {
		rels = append(rels, rel)
	}
	sort.Strings(rels)
	h := sha256.New()
	fmt.Fprintln(h, g.goroot)
	for _, rel := range rels {
		fmt.Fprintln(h, rel, len(g.files[rel]))
		h.Write(g.files[rel])
	}
	dir := filepath.Join(cache, hex.EncodeToString(h.Sum(nil))[:16])
	final := filepath.Join(dir, "overlay.json")
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("can't cache the overlay: %w", err)
	}
	tmp, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return "", fmt.Errorf("can't cache the overlay: %w", err)
	}
	defer os.RemoveAll(tmp)
	replace := map[string]string{}
	for _, rel := range rels {
		name := strings.ReplaceAll(rel, "/", "_")
		if err := os.WriteFile(filepath.Join(tmp, name), g.files[rel], 0o644); err != nil {
			return "", fmt.Errorf("can't cache the overlay: %w", err)
		}
		replace[filepath.Join(g.goroot, "src", filepath.FromSlash(rel))] = filepath.Join(dir, name)
	}
	js, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(tmp, "overlay.json"), js, 0o644); err != nil {
		return "", fmt.Errorf("can't cache the overlay: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, serr := os.Stat(final); serr == nil {
			return final, nil // another process was faster
		}
		return "", fmt.Errorf("can't cache the overlay: %w", err)
	}
	return final, nil
}
