// Package socket serves a fake containerd to other processes: the services of
// containerd's gRPC API on a listener, with the implementation that package
// fakes has behind its client. ctr, nerdctl and clients in any language see the
// tasks of the fake and can kill them.
//
//	world := fakes.New(fakes.Options{})
//	listener, err := net.Listen("unix", "/run/fake.sock")
//	...
//	err = socket.Serve(ctx, world, listener)
//
// Beside what package fakes has, it answers the version and health services,
// which the client asks over its connection only. A call that is not planned
// fails with class Unimplemented and a text that names it.
//
// What is served is not simulated: calls arrive in real order.
package socket
