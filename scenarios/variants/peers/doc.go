// Package peers is the start of a container as other container managers had it at
// the time of a race that they reported: the design alone, on the containerd client
// and with the store, the create and the remove of package cri2019.
//
//   - Moby2016 is moby's daemon/start.go after moby#18736 had broken the big lock:
//     the lock of the container guards the check and the write of the outcome, and
//     not what lies between them. Two starts pass the check. The runtime refuses the
//     second task, whose failure is then recorded over the first start (I3); if the
//     first process has ended meanwhile, it is run a second time (I1). moby#19335
//     put a protection back, a state "starting".
//   - CRIO2018 is cri-o's lock for all operations of a container (cri-o#267,
//     cri-o#1477): everything is one after the other, and so is whoever asks for the
//     status, for as long as a stop takes (cri-o#3455). A stop cannot be made shorter
//     by another one (cri-o#8030). A stop whose caller gives up succeeds, and the
//     process runs (I9; cri-o#10352, of 2026).
//   - CRIO2020 is the same after cri-o#3457: the status is read without the lock.
//   - Conmon2020 is a watcher that learns which process to watch when its start has
//     returned, as conmon did until conmon#139: the end of a process that it does not
//     know yet is nobody's (I3).
//
// They recover nothing. How an exit is found is containerd's way, the stream of
// events or Wait, and not that of these projects; so is what happens after a failed
// write or a failed start. What the variants have wrong there says nothing of them.
package peers
