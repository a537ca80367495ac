// Package critest runs critest, the suite of kubernetes-sigs/cri-tools for CRI
// endpoints, on package serve in front of a private containerd. Its images come from a
// registry on loopback that has one image of our own, with what the specs execute (see
// the command box), under every name.
//
// docs/critest.md is written from what was measured; scope.go says why specs that fail
// are out of scope.
package critest
