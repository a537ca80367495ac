package runtime

import _ "unsafe" // for go:linkname

//go:linkname ctl_maps_on internal/runtime/maps.runtime_ctlOn
func ctl_maps_on() bool { return ctlOn() }

// ctl_maps_order notes an iteration over a map in the order of addresses.
//
//go:linkname ctl_maps_order internal/runtime/maps.runtime_ctlMapOrder
func ctl_maps_order() {
	gp := getg()
	cfg := gp.bubble.ctl.cfg
	cfg.mapOrders++
	if cfg.mapOrders == 1 && gp == gp.m.curg {
		cfg.mapOrder.id = gp.ctlid
		cfg.mapOrder.npc = uint64(callers(2, cfg.mapOrder.pcs[:]))
	}
}
