package fakes

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"strings"

	eventsapi "github.com/containerd/containerd/api/events"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/diff"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/pkg/filters"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// imageStore keeps image records in memory. It follows containerd's
// core/metadata/images.go.
type imageStore struct{ c *Containerd }

var _ images.Store = imageStore{}

// serve is native with the lock held during the effect.
func (s imageStore) serve(ctx context.Context, call, name string, effect func(key) (images.Image, error)) (images.Image, error) {
	return native(ctx, s.c, call, name, func() (images.Image, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		return effect(in(ctx, name))
	})
}

func (s imageStore) image(k key) (images.Image, error) {
	i, ok := s.c.images[k]
	if !ok {
		return i, fmt.Errorf("image %q: %w", k.id, errdefs.ErrNotFound)
	}
	i.Labels = maps.Clone(i.Labels)
	return i, nil
}

// Get returns the image of that name.
func (s imageStore) Get(ctx context.Context, name string) (images.Image, error) {
	return s.serve(ctx, "images.Get", name, s.image)
}

// List returns the images that match any of the filters, sorted by name.
func (s imageStore) List(ctx context.Context, fs ...string) ([]images.Image, error) {
	return native(ctx, s.c, "images.List", "", func() ([]images.Image, error) {
		filter, err := filters.ParseAll(fs...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", err.Error(), errdefs.ErrInvalidArgument)
		}
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		return list(ctx, s.c.images, func(i images.Image) (images.Image, bool) {
			i.Labels = maps.Clone(i.Labels)
			return i, filter.Match(imageFields(i))
		}), nil
	})
}

// imageFields is what filters see of an image.
func imageFields(i images.Image) filters.Adaptor {
	return filters.AdapterFunc(func(path []string) (string, bool) {
		switch strings.Join(path[:min(len(path), 2)], ".") {
		case "name":
			return i.Name, true
		case "target.digest":
			return i.Target.Digest.String(), true
		case "target.mediatype":
			return i.Target.MediaType, true
		}
		if len(path) > 1 && path[0] == "labels" {
			v, ok := i.Labels[strings.Join(path[1:], ".")]
			return v, ok
		}
		return "", false
	})
}

// Create adds an image.
func (s imageStore) Create(ctx context.Context, i images.Image) (images.Image, error) {
	return s.serve(ctx, "images.Create", i.Name, func(k key) (images.Image, error) {
		if err := validateImage(i); err != nil {
			return i, err
		}
		if _, ok := s.c.images[k]; ok {
			return i, fmt.Errorf("image %q: %w", k.id, errdefs.ErrAlreadyExists)
		}
		i.Labels = maps.Clone(i.Labels)
		i.CreatedAt = s.c.now().UTC()
		i.UpdatedAt = i.CreatedAt
		s.c.images[k] = i
		s.c.announce(k, "/images/create", &eventsapi.ImageCreate{Name: k.id, Labels: maps.Clone(i.Labels)})
		return s.image(k)
	})
}

// Update changes the fields named by paths, or all if none is.
func (s imageStore) Update(ctx context.Context, i images.Image, paths ...string) (images.Image, error) {
	return s.serve(ctx, "images.Update", i.Name, func(k key) (images.Image, error) {
		old, err := s.image(k)
		if err != nil {
			return i, err
		}
		if len(paths) == 0 {
			paths = []string{"target", "labels"}
		}
		for _, path := range paths {
			if path == "target" {
				old.Target = i.Target
				continue
			}
			if old.Labels, err = updateLabels(old.Labels, i.Labels, []string{path}, "image", k.id); err != nil {
				return i, err
			}
		}
		if err := validateImage(old); err != nil {
			return i, err
		}
		old.UpdatedAt = s.c.now().UTC()
		s.c.images[k] = old
		s.c.announce(k, "/images/update", &eventsapi.ImageUpdate{Name: k.id, Labels: maps.Clone(old.Labels)})
		return s.image(k)
	})
}

// Delete removes an image. Its content stays: nothing is collected here.
func (s imageStore) Delete(ctx context.Context, name string, opts ...images.DeleteOpt) error {
	var o images.DeleteOptions
	for _, opt := range opts {
		if err := opt(ctx, &o); err != nil {
			return err
		}
	}
	_, err := s.serve(ctx, "images.Delete", name, func(k key) (images.Image, error) {
		i, err := s.image(k)
		if err != nil {
			return i, err
		}
		if o.Target != nil && o.Target.Digest != i.Target.Digest {
			return i, fmt.Errorf("image %q has target %v, not %v: %w", name, i.Target.Digest, o.Target.Digest, errdefs.ErrNotFound)
		}
		delete(s.c.images, k)
		s.c.announce(k, "/images/delete", &eventsapi.ImageDelete{Name: k.id})
		return i, nil
	})
	return err
}

func validateImage(i images.Image) error {
	switch {
	case i.Name == "":
		return fmt.Errorf("image name must not be empty: %w", errdefs.ErrInvalidArgument)
	case i.Target.Digest.Validate() != nil:
		return fmt.Errorf("target.Digest %q invalid: %w", i.Target.Digest, errdefs.ErrInvalidArgument)
	case i.Target.Size <= 0:
		return fmt.Errorf("target.Size must be greater than zero: %w", errdefs.ErrInvalidArgument)
	case i.Target.MediaType == "":
		return fmt.Errorf("target.MediaType must be set: %w", errdefs.ErrInvalidArgument)
	}
	return nil
}

// differ unpacks layers into snapshots that have no files: it reads a layer and
// says what it would have been.
type differ struct{ c *Containerd }

// Apply returns the descriptor of the layer without compression.
func (d differ) Apply(ctx context.Context, desc ocispec.Descriptor, _ []mount.Mount, _ ...diff.ApplyOpt) (ocispec.Descriptor, error) {
	return native(ctx, d.c, "diff.Apply", desc.Digest.String(), func() (ocispec.Descriptor, error) {
		d.c.mu.Lock()
		b, err := contentStore(d).blob(ctx, desc.Digest)
		d.c.mu.Unlock()
		if err != nil {
			return desc, err
		}
		r := content.NewReader(blobReader{bytes.NewReader(b.data)})
		if strings.HasSuffix(desc.MediaType, "gzip") {
			if r, err = gzip.NewReader(r); err != nil {
				return desc, fmt.Errorf("layer %v: %w: %w", desc.Digest, err, errdefs.ErrInvalidArgument)
			}
		}
		sum := digest.Canonical.Digester()
		size, err := io.Copy(sum.Hash(), r)
		if err != nil {
			return desc, fmt.Errorf("layer %v: %w", desc.Digest, err)
		}
		return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Size: size, Digest: sum.Digest()}, nil
	})
}

// Compare panics: there are no files to compare.
func (differ) Compare(context.Context, []mount.Mount, []mount.Mount, ...diff.Opt) (ocispec.Descriptor, error) {
	panic(unplanned("diff.Compare", ""))
}
