package runtime

// ctlNoteStray notes what gp, which is about to run without our doing, waited
// for and where. It is called on g0. The collector may not move the stack
// meanwhile.
func ctlNoteStray(cfg *ctlConfig, gp *g) {
	for !castogscanstatus(gp, _Grunnable, _Gscanrunnable) {
		procyield(10)
	}
	p := &cfg.stray
	p.id, p.reason = gp.ctlid, uint32(gp.waitreason)
	p.npc = uint64(gcallers(gp, 0, p.pcs[:]))
	casfrom_Gscanstatus(gp, _Gscanrunnable, _Grunnable)
}
