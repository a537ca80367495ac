package variants_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
)

// TestGivenUp lets the caller of a start give up at each phase of each call that it
// makes. The reference returns, leaves nothing that runs or is stuck, and can be
// removed. In containerd 2.4.2 a task that was made is left, and a process that ran
// has the code of a start that failed.
func TestGivenUp(t *testing.T) {
	for site, wrong := range map[string]string{
		"containers.Get/before-effect":   "",
		"containers.Get/reply":           "",
		"tasks.Create/before-effect":     "I3", // the task is made nevertheless
		"tasks.Create/after-effect":      "I3",
		"tasks.Create/reply":             "I3",
		"checkpoint.Write/before-effect": "",
		"checkpoint.Write/after-effect":  "",
		"tasks.Start/before-effect":      "I4",
		"tasks.Start/after-effect":       "I4",
		"tasks.Start/reply":              "I4",
	} {
		t.Run(site, func(t *testing.T) {
			for variant, wrong := range map[string]string{"v2_4_2": wrong, scenarios.Reference.Name: ""} {
				in(t, variant, noFaults, func(w *world) {
					ctx, cancel := context.WithCancel(w.ctx)
					w.at(site, func(context.Context) error {
						w.record(model.Event{Kind: model.Canceled, Container: w.id, ID: w.calls})
						cancel()
						return nil
					})
					_ = w.startWith(ctx)
					cancel()
					time.Sleep(time.Hour)
					w.settle()
					_ = w.doStop(model.Event{Op: model.OpStop, Probe: true})
					_ = w.doRemove(removeProbe)
					if found := w.broken(); wrong != "" {
						assert.Contains(t, found, wrong, variant)
					} else {
						assert.Empty(t, found, variant)
						assert.Empty(t, w.Tasks(), variant)
					}
					if t.Failed() {
						t.Log(w.history)
					}
				})
			}
		})
	}
}
