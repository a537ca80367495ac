package blackbox

import (
	"testing"

	"github.com/stretchr/testify/require"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// CountPods counts the pods of all targets of the endpoint.
func (t *Target) CountPods(tb testing.TB) int {
	r, err := t.runtime.ListPodSandbox(tb.Context(), &runtime.ListPodSandboxRequest{
		Filter: &runtime.PodSandboxFilter{LabelSelector: map[string]string{label: labelValue}},
	})
	require.NoError(tb, err)
	return len(r.GetItems())
}

// Abandon ends what ends with a process that is killed, and returns the directory.
func (t *Target) Abandon(tb testing.TB) string {
	t.notices.close()
	require.NoError(tb, t.conn.Close())
	require.NoError(tb, t.owner.Close())
	return t.dir
}
