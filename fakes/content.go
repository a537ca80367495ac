package fakes

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/pkg/filters"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// contentStore keeps blobs in memory, each namespace its own. It follows
// containerd's plugins/content/local.
type contentStore struct{ c *Containerd }

var _ content.Store = contentStore{}

// blob is content that is complete.
type blob struct {
	info content.Info
	data []byte
}

// Info describes a blob.
func (s contentStore) Info(ctx context.Context, d digest.Digest) (content.Info, error) {
	return native(ctx, s.c, "content.Info", d.String(), func() (content.Info, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		b, err := s.blob(ctx, d)
		if err != nil {
			return content.Info{}, err
		}
		return b.described(), nil
	})
}

func (s contentStore) blob(ctx context.Context, d digest.Digest) (*blob, error) {
	b := s.c.blobs[in(ctx, d.String())]
	if b == nil {
		return nil, fmt.Errorf("content %v: %w", d, errdefs.ErrNotFound)
	}
	return b, nil
}

func (b *blob) described() content.Info {
	info := b.info
	info.Labels = maps.Clone(info.Labels)
	return info
}

// Update changes labels.
func (s contentStore) Update(ctx context.Context, info content.Info, paths ...string) (content.Info, error) {
	return native(ctx, s.c, "content.Update", info.Digest.String(), func() (content.Info, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		b, err := s.blob(ctx, info.Digest)
		if err != nil {
			return info, err
		}
		labels, err := updateLabels(b.info.Labels, info.Labels, paths, "content info", info.Digest.String())
		if err != nil {
			return info, err
		}
		b.info.Labels, b.info.UpdatedAt = labels, s.c.now().UTC()
		return b.described(), nil
	})
}

// updateLabels returns the labels of a thing after an update of the fields
// named by paths: "labels" and "labels.KEY"; none are all.
func updateLabels(old, changed map[string]string, paths []string, what, name string) (map[string]string, error) {
	if len(paths) == 0 {
		return maps.Clone(changed), nil
	}
	labels := maps.Clone(old)
	for _, path := range paths {
		key, one := strings.CutPrefix(path, "labels.")
		switch {
		case one:
			if labels == nil {
				labels = map[string]string{}
			}
			if labels[key] = changed[key]; changed[key] == "" {
				delete(labels, key)
			}
		case path == "labels":
			labels = maps.Clone(changed)
		default:
			return nil, fmt.Errorf("cannot update %q field on %s %q: %w", path, what, name, errdefs.ErrInvalidArgument)
		}
	}
	return labels, nil
}

// Walk calls fn for each blob that matches, in the order of digests.
func (s contentStore) Walk(ctx context.Context, fn content.WalkFunc, fs ...string) error {
	all, err := native(ctx, s.c, "content.Walk", "", func() ([]content.Info, error) {
		filter, err := filters.ParseAll(fs...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", err.Error(), errdefs.ErrInvalidArgument)
		}
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		return list(ctx, s.c.blobs, func(b *blob) (content.Info, bool) {
			return b.described(), filter.Match(content.AdaptInfo(b.info))
		}), nil
	})
	if err != nil {
		return err
	}
	for _, info := range all {
		if err := fn(info); err != nil {
			return err
		}
	}
	return nil
}

// list returns what pick makes of the things of a namespace, sorted by id.
func list[T, R any](ctx context.Context, things map[key]T, pick func(T) (R, bool)) []R {
	var ids []string
	namespace := in(ctx, "").namespace
	for k := range things {
		if k.namespace == namespace {
			ids = append(ids, k.id)
		}
	}
	slices.Sort(ids)
	var picked []R
	for _, id := range ids {
		if r, ok := pick(things[key{namespace, id}]); ok {
			picked = append(picked, r)
		}
	}
	return picked
}

// Delete removes a blob.
func (s contentStore) Delete(ctx context.Context, d digest.Digest) error {
	_, err := native(ctx, s.c, "content.Delete", d.String(), func() (struct{}, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		_, err := s.blob(ctx, d)
		delete(s.c.blobs, in(ctx, d.String()))
		return struct{}{}, err
	})
	return err
}

// ReaderAt reads a blob.
func (s contentStore) ReaderAt(ctx context.Context, desc ocispec.Descriptor) (content.ReaderAt, error) {
	return native(ctx, s.c, "content.ReaderAt", desc.Digest.String(), func() (content.ReaderAt, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		b, err := s.blob(ctx, desc.Digest)
		if err != nil {
			return nil, err
		}
		return blobReader{bytes.NewReader(b.data)}, nil
	})
}

type blobReader struct{ *bytes.Reader }

func (blobReader) Close() error { return nil }

// Status describes an ingestion.
func (s contentStore) Status(ctx context.Context, ref string) (content.Status, error) {
	return native(ctx, s.c, "content.Status", ref, func() (content.Status, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		w := s.c.ingests[in(ctx, ref)]
		if w == nil {
			return content.Status{}, fmt.Errorf("ingest ref %q: %w", ref, errdefs.ErrNotFound)
		}
		return w.status, nil
	})
}

// ListStatuses describes the ingestions whose ref matches any of the regular
// expressions; none are all.
func (s contentStore) ListStatuses(ctx context.Context, patterns ...string) ([]content.Status, error) {
	return native(ctx, s.c, "content.ListStatuses", "", func() ([]content.Status, error) {
		var res []*regexp.Regexp
		for _, p := range patterns {
			re, err := regexp.Compile(p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", err.Error(), errdefs.ErrInvalidArgument)
			}
			res = append(res, re)
		}
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		return list(ctx, s.c.ingests, func(w *blobWriter) (content.Status, bool) {
			hit := len(res) == 0 || slices.ContainsFunc(res, func(re *regexp.Regexp) bool { return re.MatchString(w.status.Ref) })
			return w.status, hit
		}), nil
	})
}

// Abort drops an ingestion.
func (s contentStore) Abort(ctx context.Context, ref string) error {
	_, err := native(ctx, s.c, "content.Abort", ref, func() (struct{}, error) {
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		if s.c.ingests[in(ctx, ref)] == nil {
			return struct{}{}, fmt.Errorf("ingest ref %q: %w", ref, errdefs.ErrNotFound)
		}
		delete(s.c.ingests, in(ctx, ref))
		return struct{}{}, nil
	})
	return err
}

// Writer begins or goes on with an ingestion.
func (s contentStore) Writer(ctx context.Context, opts ...content.WriterOpt) (content.Writer, error) {
	var o content.WriterOpts
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	return native(ctx, s.c, "content.Writer", o.Ref, func() (content.Writer, error) {
		if o.Ref == "" {
			return nil, fmt.Errorf("ref must not be empty: %w", errdefs.ErrInvalidArgument)
		}
		s.c.mu.Lock()
		defer s.c.mu.Unlock()
		if d := o.Desc.Digest; d != "" && s.c.blobs[in(ctx, d.String())] != nil {
			return nil, fmt.Errorf("content %v: %w", d, errdefs.ErrAlreadyExists)
		}
		w := s.c.ingests[in(ctx, o.Ref)]
		if w == nil {
			now := s.c.now().UTC()
			w = &blobWriter{c: s.c, key: in(ctx, o.Ref), status: content.Status{
				Ref: o.Ref, Total: o.Desc.Size, Expected: o.Desc.Digest, StartedAt: now, UpdatedAt: now,
			}}
			s.c.ingests[w.key] = w
		}
		return w, nil
	})
}

// blobWriter is an ingestion.
type blobWriter struct {
	c      *Containerd
	key    key
	status content.Status
	data   []byte
}

// Write appends to the ingestion.
func (w *blobWriter) Write(p []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.data = append(w.data, p...)
	w.status.Offset, w.status.UpdatedAt = int64(len(w.data)), w.c.now().UTC()
	return len(p), nil
}

// Close leaves the ingestion for somebody to go on with.
func (w *blobWriter) Close() error { return nil }

// Digest returns that of what was written.
func (w *blobWriter) Digest() digest.Digest {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return digest.FromBytes(w.data)
}

// Status describes the ingestion.
func (w *blobWriter) Status() (content.Status, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return w.status, nil
}

// Truncate shortens what was written.
func (w *blobWriter) Truncate(size int64) error {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if size < 0 || size > int64(len(w.data)) {
		return fmt.Errorf("truncate to %d of %d bytes: %w", size, len(w.data), errdefs.ErrInvalidArgument)
	}
	w.data, w.status.Offset = w.data[:size], size
	return nil
}

// Commit makes a blob of the ingestion.
func (w *blobWriter) Commit(ctx context.Context, size int64, expected digest.Digest, opts ...content.Opt) error {
	_, err := native(ctx, w.c, "content.Commit", w.status.Ref, func() (struct{}, error) {
		w.c.mu.Lock()
		defer w.c.mu.Unlock()
		d := digest.FromBytes(w.data)
		switch {
		case w.c.ingests[w.key] != w:
			return struct{}{}, fmt.Errorf("cannot commit on closed writer: %w", errdefs.ErrFailedPrecondition)
		case size > 0 && size != int64(len(w.data)):
			return struct{}{}, fmt.Errorf("unexpected commit size %d, expected %d: %w", len(w.data), size, errdefs.ErrFailedPrecondition)
		case expected != "" && expected != d:
			return struct{}{}, fmt.Errorf("unexpected commit digest %s, expected %s: %w", d, expected, errdefs.ErrFailedPrecondition)
		}
		delete(w.c.ingests, w.key)
		k := key{w.key.namespace, d.String()}
		if w.c.blobs[k] != nil {
			return struct{}{}, fmt.Errorf("content %v: %w", d, errdefs.ErrAlreadyExists)
		}
		now := w.c.now().UTC()
		info := content.Info{Digest: d, Size: int64(len(w.data)), CreatedAt: now, UpdatedAt: now}
		for _, opt := range opts {
			if err := opt(&info); err != nil {
				return struct{}{}, err
			}
		}
		w.c.blobs[k] = &blob{info: info, data: w.data}
		return struct{}{}, nil
	})
	return err
}
