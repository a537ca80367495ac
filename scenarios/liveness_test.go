package scenarios_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/startrace/startrace/scenarios"
	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/sim"
)

// restless is the reference, and looks at its containers from time to time.
type restless struct {
	scenarios.Service
	stop context.CancelFunc
	done sync.WaitGroup
}

func (s *restless) Close() error {
	s.stop()
	s.done.Wait()
	return s.Service.Close()
}

func restlessVariant(pace time.Duration) scenarios.Variant {
	return scenarios.Variant{Name: "restless", New: func(ctx context.Context, env variants.Env) (scenarios.Service, error) {
		inner, err := scenarios.Reference.New(ctx, env)
		if err != nil {
			return nil, err
		}
		s := &restless{Service: inner}
		ctx, s.stop = context.WithCancel(ctx)
		s.done.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case <-time.After(pace):
					_, _ = s.ListContainers(ctx, &runtime.ListContainersRequest{})
				}
			}
		})
		return s, nil
	}}
}

// TestLivenessCanary: the bound of points is one that a service exceeds that
// looks for something each second, for ever, and one does not that does so every
// minute.
func TestLivenessCanary(t *testing.T) {
	w := parse(t, "start|exit; faults=1")
	search := func(pace time.Duration) sim.Report {
		return sim.Search(sim.Options{Name: t.Name(), Executions: 20, Shrink: -1}, scenarios.Body(restlessVariant(pace), w))
	}
	r := search(time.Second)
	require.NotNil(t, r.Found, "%v", r)
	assert.Equal(t, scenarios.LivenessID, r.Found.Failure.ID, r.Found.Failure.Title)
	r = search(time.Minute)
	require.NoError(t, r.Err)
	assert.Nil(t, r.Found, "%v", r)
}
