package overlay

import (
	"testing"
	"runtime"
)

func TestGen(t *testing.T) {
	p, err := Generate(runtime.GOROOT(), runtime.Version())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(p)
}
