// Package registry has images that are made up on the spot, of one layer, as an
// archive that containerd imports and from a read-only registry over HTTP, for
// tests and trials on a machine without a network.
//
// It is not a registry for anybody else: there are no uploads, no credentials and
// no limits.
package registry
