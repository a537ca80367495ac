package registry

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// File is an entry of a layer.
type File struct {
	Name string // without a slash at its begin; a directory ends with one
	Mode int64  // permissions
	Data []byte
	Link string // target, of a symbolic link
}

// Image is an image of one layer for this machine. It does not change and is safe
// for concurrent use.
type Image struct {
	manifest ocispec.Descriptor
	blobs    map[digest.Digest]blob
}

type blob struct {
	mediaType string
	data      []byte
}

// New makes an image. Equal arguments make equal images.
func New(config ocispec.ImageConfig, files []File) (*Image, error) {
	layer, err := layer(files)
	if err != nil {
		return nil, fmt.Errorf("registry: layer: %w", err)
	}
	i := &Image{blobs: map[digest.Digest]blob{}}
	layerDesc := i.add(ocispec.MediaTypeImageLayer, layer)
	configDesc, err := i.addJSON(ocispec.MediaTypeImageConfig, ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   config,
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{layerDesc.Digest}},
	})
	if err != nil {
		return nil, err
	}
	i.manifest, err = i.addJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: configDesc, Layers: []ocispec.Descriptor{layerDesc},
	})
	return i, err
}

func layer(files []File) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Mode: f.Mode, Typeflag: tar.TypeReg, Size: int64(len(f.Data))}
		switch {
		case f.Link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
		case f.Name[len(f.Name)-1] == '/':
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.Data); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}

func (i *Image) add(mediaType string, data []byte) ocispec.Descriptor {
	d := digest.FromBytes(data)
	i.blobs[d] = blob{mediaType, data}
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(data))}
}

func (i *Image) addJSON(mediaType string, v any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("registry: %w", err)
	}
	return i.add(mediaType, data), nil
}

// Digest is that of the manifest, by which the image can be pulled.
func (i *Image) Digest() digest.Digest { return i.manifest.Digest }

// Archive returns the image as the archive that containerd imports under name.
func (i *Image) Archive(name string) (io.Reader, error) {
	manifest := i.manifest
	manifest.Annotations = map[string]string{"io.containerd.image.name": name}
	index, err := json.Marshal(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: []ocispec.Descriptor{manifest},
	})
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	files := []File{
		{Name: ocispec.ImageLayoutFile, Mode: 0o644, Data: []byte(`{"imageLayoutVersion":"` + ocispec.ImageLayoutVersion + `"}`)},
		{Name: ocispec.ImageIndexFile, Mode: 0o644, Data: index},
	}
	for d, b := range i.blobs {
		files = append(files, File{Name: "blobs/" + d.Algorithm().String() + "/" + d.Encoded(), Mode: 0o644, Data: b.data})
	}
	data, err := layer(files)
	if err != nil {
		return nil, fmt.Errorf("registry: archive: %w", err)
	}
	return bytes.NewReader(data), nil
}
