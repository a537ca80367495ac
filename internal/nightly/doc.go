// Package nightly runs the reference, or a variant of it, on a real containerd, round
// after round, while daemon and shims are killed, has the model judge what came of
// each container, and looks for what is left. It is the command startrace soak.
//
// A round is a pure function of a seed and its number: [Draw]. Equal rounds make the
// same calls at the same times after the beginning; what the machine makes of them is
// not the same, so that a finding comes again after some repetitions or not at all.
package nightly
