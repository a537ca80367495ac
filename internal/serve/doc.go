// Package serve makes a CRI endpoint of packages impl and impl/images: a gRPC server
// on a socket, in front of a containerd. It is what `startrace serve` does.
//
// What it keeps is in one directory, [Options.Root], which belongs to one process at
// a time: the records of the containers, the pipes of their output, and the root file
// system of pause processes. Containers outlive the server, and the next one with the
// same directory goes on with them.
//
// A CRI client may shorten the id of a container or a sandbox, as crictl does in its
// tables, for as long as only one begins like that. Calls that package impl does not
// implement answer Unimplemented with their name.
package serve
