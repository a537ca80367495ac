package scenarios_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/model"
	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/sim"
)

// The reference honours callers that give up, at any point of each call, and
// leaves nothing behind.
func TestGiveUp(t *testing.T) {
	gaveUp := map[model.Op]int{}
	for _, text := range []string{
		"start|stop=10s|stop=10s|giveup; ignoreterm",
		"create|start|update|remove|giveup; faults=1",
		"a.start|b.start|stopsandbox|removesandbox|giveup; pause",
		"exec=10s|stop=1m|giveup|crash; running; ignoreterm",
	} {
		body := scenarios.BodyJudged(scenarios.Reference, parse(t, text), func(h model.History) []model.Violation {
			canceled := map[int]bool{}
			for _, e := range h.Events {
				switch {
				case e.Kind == model.Canceled:
					canceled[e.ID] = true
				case e.Kind == model.Return && canceled[e.ID] && strings.Contains(e.Err, context.Canceled.Error()):
					gaveUp[e.Op]++
				}
			}
			return model.Check(h)
		})
		sim.Explore(t, sim.Options{Executions: scale(600, 200), Workers: 1}, body)
	}
	for _, op := range []model.Op{
		model.OpStart, model.OpStop, model.OpRemove, model.OpUpdate, model.OpExec, model.OpStopSandbox, model.OpRemoveSandbox,
	} {
		assert.Positive(t, gaveUp[op], "%s: nobody gave up", op)
	}
	t.Logf("%v", gaveUp)
}

// deaf does not hear that the caller of a stop gave up.
type deaf struct{ scenarios.Service }

func (d deaf) StopContainer(ctx context.Context, r *runtime.StopContainerRequest) (*runtime.StopContainerResponse, error) {
	return d.Service.StopContainer(context.WithoutCancel(ctx), r)
}

// TestGiveUpFinds is the canary.
func TestGiveUpFinds(t *testing.T) {
	v := scenarios.Variant{Name: "deaf", New: func(ctx context.Context, env variants.Env) (scenarios.Service, error) {
		s, err := scenarios.Reference.New(ctx, env)
		return deaf{s}, err
	}}
	body := scenarios.Body(v, parse(t, "start|stop=1m|giveup; ignoreterm"))
	if replaying() {
		sim.Explore(t, sim.Options{}, body)
		return
	}
	r := sim.Search(sim.Options{Name: t.Name(), Executions: 2000, Shrink: -1}, body)
	require.NoError(t, r.Err)
	require.NotNil(t, r.Found, "%v", r)
	assert.Equal(t, "I10", r.Found.Failure.ID, r.Found.Failure.Title)
}
