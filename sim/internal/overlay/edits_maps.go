package overlay

// patchMaps has iterations over maps tell when their order is one of addresses:
// entries of more than one group are found by the hash of the key, and that of
// a pointer is one of the address.
func (g *generator) patchMaps() {
	f := g.open("internal/runtime/maps/table.go")
	f.in("(Iter) Init", "\tit.clearSeq = m.clearSeq\n", "\tit.clearSeq = m.clearSeq\n\tif m.dirLen > 0 && runtime_ctlOn() && it.ctlByAddress() {\n\t\truntime_ctlMapOrder()\n\t}\n")
	f.write()
	g.emit("internal/runtime/maps/zz_startrace.go", []byte(mapsSource))
}

var mapsSource = source(`package maps

import (
	"internal/abi"
	"unsafe"
)

//@linkname runtime_ctlOn
func runtime_ctlOn() bool

//@linkname runtime_ctlMapOrder
func runtime_ctlMapOrder()

// ctlByAddress tells whether the order of the iteration that begins depends on
// an address.
func (it *Iter) ctlByAddress() bool {
	switch ctlHashesAddress(it.typ.Key) {
	case ctlNever:
		return false
	case ctlAlways:
		return true
	}
	look := *it
	for look.Next(); look.key != nil; look.Next() {
		if ctlKeyHasAddress(it.typ.Key, look.key) {
			return true
		}
	}
	return false
}

const (
	ctlNever  = iota
	ctlByKey  // it depends on what is in an interface
	ctlAlways
)

// ctlHashesAddress tells whether the hash of a key of type t is one of an
// address.
func ctlHashesAddress(t *abi.Type) int {
	switch t.Kind() {
	case abi.Pointer, abi.Chan, abi.UnsafePointer:
		return ctlAlways
	case abi.Interface:
		return ctlByKey
	case abi.Array:
		if a := (*abi.ArrayType)(unsafe.Pointer(t)); a.Len > 0 {
			return ctlHashesAddress(a.Elem)
		}
	case abi.Struct:
		most := ctlNever
		for _, f := range (*abi.StructType)(unsafe.Pointer(t)).Fields {
			if !f.Name.IsBlank() {
				most = max(most, ctlHashesAddress(f.Typ))
			}
		}
		return most
	}
	return ctlNever
}

// ctlKeyHasAddress tells the same of the key at p.
func ctlKeyHasAddress(t *abi.Type, p unsafe.Pointer) bool {
	switch known := ctlHashesAddress(t); {
	case known != ctlByKey:
		return known == ctlAlways
	case t.Kind() == abi.Array:
		a := (*abi.ArrayType)(unsafe.Pointer(t))
		for i := uintptr(0); i < a.Len; i++ {
			if ctlKeyHasAddress(a.Elem, unsafe.Add(p, i*a.Elem.Size_)) {
				return true
			}
		}
		return false
	case t.Kind() == abi.Struct:
		for _, f := range (*abi.StructType)(unsafe.Pointer(t)).Fields {
			if !f.Name.IsBlank() && ctlKeyHasAddress(f.Typ, unsafe.Add(p, f.Offset)) {
				return true
			}
		}
		return false
	}
	words := (*[2]unsafe.Pointer)(p) // an interface
	if words[0] == nil {
		return false
	}
	dynamic := (*abi.Type)(words[0])
	if t.NumMethod() > 0 {
		dynamic = (*abi.ITab)(words[0]).Type
	}
	if dynamic.IsDirectIface() {
		return ctlKeyHasAddress(dynamic, unsafe.Pointer(&words[1]))
	}
	return ctlKeyHasAddress(dynamic, words[1])
}
`)
