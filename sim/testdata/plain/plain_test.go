// Package plain is a package whose tests simulate, for the tests of sim.Main.
package plain

import (
	"os"
	"testing"

	"github.com/startrace/startrace/sim"
)

func TestMain(m *testing.M) { sim.Main(m) }

func TestControlled(t *testing.T) {
	sim.Explore(t, sim.Options{Executions: 10}, func(t *sim.T) {
		done := make(chan bool)
		go func() { done <- sim.Controlled() }()
		if !<-done {
			t.Error("not under control")
		}
	})
	if wd, err := os.Stat("plain_test.go"); err != nil || wd.IsDir() {
		t.Error("not in the directory of the package")
	}
}

func TestFails(t *testing.T) {
	sim.Explore(t, sim.Options{}, func(t *sim.T) { t.Error("always") })
}

func TestRaceBuild(t *testing.T) {
	if !sim.RaceEnabled {
		t.Error("the flag -race was lost")
	}
}
