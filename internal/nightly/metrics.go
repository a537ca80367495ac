package nightly

import (
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics shows the counts of a run to Prometheus, as startrace_soak_NAME_total, with
// the standard metrics of the process beside them. Its methods may be called
// concurrently.
type Metrics struct {
	registry *prometheus.Registry

	mu    sync.Mutex
	total Counts
}

// family is what the counts of keys with a prefix are to Prometheus; the parts after
// the prefix are the values of the labels.
type family struct {
	prefix string
	desc   *prometheus.Desc
	labels int
}

func newFamily(prefix, name, help string, labels ...string) family {
	return family{prefix, prometheus.NewDesc("startrace_soak_"+name+"_total", help, labels, nil), len(labels)}
}

// families are all that there are; those with more labels come before those whose
// prefix is the same.
func families() []family {
	return []family{
		newFamily("rounds", "rounds", "Rounds that have ended."),
		newFamily("lifecycles", "lifecycles", "Containers that were created, and judged."),
		newFamily("calls", "calls", "Calls of the service.", "operation", "outcome"),
		newFamily("creates.repeated", "creates_repeated", "Calls of CreateContainer that failed under faults and were repeated."),
		newFamily("kills", "kills", "Kills of a daemon or a shim.", "target"),
		newFamily("met", "met_by_kill", "Containers that a kill of the daemon or their shim met.", "target", "phase"),
		newFamily("unseen", "unseen_exits", "Processes that ended while there was no daemon."),
		newFamily("events.inverted", "events_inverted", "Exits that were told before their starts, in rounds without faults."),
		newFamily("events", "events", "Task events in rounds without faults, seen or lost.", "fate", "kind"),
		newFamily("findings", "findings", "What must not be.", "invariant"),
		newFamily("forgotten", "forgotten", "What containerd and runc left when daemon or shims were killed.", "kind"),
	}
}

// NewMetrics returns metrics without counts.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(m, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Set shows these counts from now on.
func (m *Metrics) Set(total Counts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total = maps.Clone(total)
}

// Describe implements [prometheus.Collector].
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	for _, f := range families() {
		out <- f.desc
	}
}

// Collect implements [prometheus.Collector].
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, n := range m.total {
		for _, f := range families() {
			if values, ok := f.values(key); ok {
				out <- prometheus.MustNewConstMetric(f.desc, prometheus.CounterValue, float64(n), values...)
				break
			}
		}
	}
}

// values returns the values of the labels for a key, if it belongs to the family.
func (f family) values(key string) ([]string, bool) {
	rest, ok := strings.CutPrefix(key, f.prefix)
	if !ok {
		return nil, false
	}
	if f.labels == 0 {
		return nil, rest == ""
	}
	rest, ok = strings.CutPrefix(rest, ".")
	values := strings.Split(rest, ".")
	return values, ok && len(values) == f.labels
}

// Handler serves them as text.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// WriteTextfile writes them to a file for the textfile collector of a node exporter,
// complete or not at all.
func (m *Metrics) WriteTextfile(path string) error {
	return prometheus.WriteToTextfile(path, m.registry)
}
