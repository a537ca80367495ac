// Package images is the image half of the CRI, as plain as a kubelet, crictl and
// critest can do with: it pulls, lists and removes images in containerd's image
// store through the ordinary client, and keeps nothing itself. Package impl finds
// the image of a container with [Find].
//
// An image is known by its id, the digest of its configuration, and by all its
// names and digests. Images that somebody else pulled or imported into the
// namespace are images like any other, provided that their content for this
// platform is there.
//
// It is not a complete image service: it verifies no signatures, pins nothing,
// and knows of credentials only what a request has.
package images
