package images

import (
	"context"
	"fmt"
	"slices"
	"strings"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
)

// Image is an image in containerd's store, under all its names.
type Image struct {
	ID    string             // digest of its configuration
	Names []containerd.Image // at least one; sorted by name
}

// Find returns the image that ref names: by its id, with or without "sha256:", by
// a name, which may leave out what the names of Docker's registry do, or by a name
// and a digest. The error has class NotFound if there is none. ctx has the
// namespace.
func Find(ctx context.Context, client *containerd.Client, ref string) (*Image, error) {
	all, err := list(ctx, client)
	if err != nil {
		return nil, err
	}
	for _, image := range all {
		if image.is(ref) {
			return image, nil
		}
	}
	return nil, fmt.Errorf("image %q: %w", ref, errdefs.ErrNotFound)
}

// list returns all images, in the order of their first names.
func list(ctx context.Context, client *containerd.Client) ([]*Image, error) {
	records, err := client.ListImages(ctx)
	if err != nil {
		return nil, fmt.Errorf("failed to list images: %w", err)
	}
	slices.SortFunc(records, func(a, b containerd.Image) int { return strings.Compare(a.Name(), b.Name()) })
	var all []*Image
	byID := map[string]*Image{}
	for _, record := range records {
		config, err := record.Config(ctx)
		if errdefs.IsNotFound(err) {
			continue // an image for another platform, or one that is just being pulled or removed
		}
		if err != nil {
			return nil, fmt.Errorf("failed to read image %q: %w", record.Name(), err)
		}
		id := config.Digest.String()
		if byID[id] == nil {
			byID[id] = &Image{ID: id}
			all = append(all, byID[id])
		}
		byID[id].Names = append(byID[id].Names, record)
	}
	return all, nil
}

func (i *Image) is(ref string) bool {
	if ref == i.ID || "sha256:"+ref == i.ID {
		return true
	}
	name, err := normalize(ref)
	if err != nil {
		return false
	}
	tags, digests := i.references()
	return slices.Contains(tags, name) || slices.Contains(digests, name) ||
		slices.ContainsFunc(i.Names, func(record containerd.Image) bool { return record.Name() == ref })
}

// references returns the names of an image with tags, and those with digests.
func (i *Image) references() (tags, digests []string) {
	for _, record := range i.Names {
		named, err := reference.ParseNormalizedNamed(record.Name())
		if err != nil {
			continue // a name that somebody made up
		}
		if _, ok := named.(reference.Tagged); ok {
			tags = append(tags, named.String())
		}
		digest := named.Name() + "@" + record.Target().Digest.String()
		if !slices.Contains(digests, digest) {
			digests = append(digests, digest)
		}
	}
	return tags, digests
}

// normalize returns the name under which an image is stored that is pulled as ref:
// with a registry, and with a tag or a digest.
func normalize(ref string) (string, error) {
	named, err := reference.ParseDockerRef(ref)
	if err != nil {
		return "", fmt.Errorf("%q is no reference to an image: %w: %w", ref, errdefs.ErrInvalidArgument, err)
	}
	return named.String(), nil
}
