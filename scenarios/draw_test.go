package scenarios_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/startrace/startrace/fakes/failpoint"
	"github.com/startrace/startrace/scenarios"
)

// feature is a part of what a workload can have.
type feature int

const (
	several feature = iota // containers
	pods                   // several sandboxes
	created                // by an operation
	stops
	removes
	exits
	ooms
	reads
	updates
	execs
	subscribers
	sandbox
	hangs
	crashes
	restarts
	pauses
	hooks
	faults
	plans
	loss
	ignores
	running
	giveups
	features
)

// drawWorkload draws a workload from a vocabulary that is drawn first: what all of
// it hides, workloads that leave parts of it out find (Groce, Zhang, Eide, Chen,
// Regehr: Swarm Testing, ISSTA 2012).
func drawWorkload(rt *rapid.T) scenarios.Workload {
	var on [features]bool
	few := rapid.Bool().Draw(rt, "few features")
	for f := range features {
		on[f] = rapid.Bool().Draw(rt, fmt.Sprintf("feature %d", f)) && (!few || rapid.Bool().Draw(rt, "again"))
	}
	kinds := []scenarios.OpKind{scenarios.Start}
	add := func(f feature, more ...scenarios.OpKind) {
		if on[f] {
			kinds = append(kinds, more...)
		}
	}
	add(stops, scenarios.Stop)
	add(removes, scenarios.Remove)
	add(exits, scenarios.Exit)
	add(ooms, scenarios.OOM)
	add(reads, scenarios.Status, scenarios.List)
	add(updates, scenarios.Update)
	add(execs, scenarios.Exec)
	add(subscribers, scenarios.Watch, scenarios.Stall)
	add(created, scenarios.Create)
	add(hangs, scenarios.Hang)
	add(crashes, scenarios.Crash)
	add(sandbox, scenarios.StopSandbox, scenarios.RemoveSandbox)
	add(restarts, scenarios.Restart)
	add(giveups, scenarios.GiveUp)
	names, sandboxes := []string{""}, []string{""}
	if on[several] {
		names = []string{"a", "b", "c"}
	}
	if on[pods] {
		sandboxes = []string{"p", "q"}
	}
	// Without a pause process a sandbox has no record: after a crash it is READY
	// again, which breaks I17.
	pause := on[pauses] || on[sandbox] && on[crashes]
	w := scenarios.Workload{Loss: on[loss], IgnoreTerm: on[ignores], Running: on[running], Pause: pause, Hooks: on[hooks]}
	w.Ops = append(w.Ops, scenarios.Op{Sandbox: sandboxes[0], Container: names[0], Kind: scenarios.Start})
	for range uniform(rt, "operations", 8) {
		op := drawOp(rt, kinds, names, sandboxes)
		if op.Kind != scenarios.Create || !slices.Contains(w.Ops, op) {
			w.Ops = append(w.Ops, op)
		}
	}
	if on[faults] {
		w.Faults = rapid.IntRange(1, 4).Draw(rt, "faults")
		if rapid.Bool().Draw(rt, "some calls only") {
			w.FaultCalls = rapid.SliceOfNDistinct(rapid.SampledFrom(scenarios.FaultCalls()), 1, 3, rapid.ID[string]).Draw(rt, "calls")
		}
	}
	if on[plans] {
		w.Plan = drawPlan(rt, on[restarts])
	}
	return w
}

// uniform draws from [0, n). The numbers that rapid draws are small ones most of the
// time, which leaves out what comes last; its booleans are fair.
func uniform(rt *rapid.T, label string, n int) int {
	const bits = 6
	drawn := 0
	for range bits {
		drawn <<= 1
		if rapid.Bool().Draw(rt, label) {
			drawn++
		}
	}
	return drawn * n >> bits
}

func drawOp(rt *rapid.T, kinds []scenarios.OpKind, names, sandboxes []string) scenarios.Op {
	op := scenarios.Op{Kind: kinds[uniform(rt, "kind", len(kinds))]}
	switch op.Kind {
	case scenarios.List, scenarios.Stall, scenarios.Crash, scenarios.Restart, scenarios.GiveUp:
		return op
	case scenarios.Watch:
		op.Timeout = rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(rt, "pace")
		return op
	case scenarios.Stop:
		op.Timeout = rapid.SampledFrom([]time.Duration{0, 10 * time.Second, time.Minute}).Draw(rt, "timeout")
	case scenarios.Exec:
		op.Timeout = rapid.SampledFrom([]time.Duration{0, 5 * time.Second}).Draw(rt, "duration")
	case scenarios.Exit:
		op.Code = rapid.Uint8().Draw(rt, "code")
	}
	op.Sandbox = sandboxes[uniform(rt, "sandbox", len(sandboxes))]
	if op.Kind != scenarios.StopSandbox && op.Kind != scenarios.RemoveSandbox {
		op.Container = names[uniform(rt, "container", len(names))]
	}
	return op
}

// rules are what a plan consists of: each of the calls that matter with what can
// go wrong with it.
func rules() (all []string) {
	for _, call := range []string{"Create", "Start", "Wait", "Kill", "Delete", "Get", "Update", "Exec"} {
		for _, action := range []string{
			"before-effect=%serror(unavailable)", "after-effect=%serror(unknown)", "reply=%serror(deadline-exceeded)",
			"before-effect=%sslow(12s)", "after-effect=%sdelay(3s)", "before-effect=%sblock", "reply=%sexit(9)",
			"after-effect=%sclose", "before-effect=%skill", "reply=%scrash(1s)",
		} {
			all = append(all, "tasks."+call+"/"+action)
		}
	}
	return append(all,
		"tasks.Get/state=%stimeout", "process/exit=%sorder", "event/tasks/exit=%sdrop", "event/tasks/exit=%sdup", "event/tasks/*=%sdelay(1s)",
		"disk.write=%serror(ENOSPC)", "disk.fsync=%serror(EIO)", "disk.rename=%sdelay(2s)", "disk.dirsync=%serror(EIO)",
		"daemon/recover=%skill", "daemon/recover=%scrash", "containers.*=%serror(unavailable)", "checkpoint.List=%serror(EIO)",
	)
}

// drawPlan draws up to three rules, each for one passage or few. Shims die only
// while the daemon stays up: a daemon that dies between the death of a shim and its
// cleanup leaves a process of which it says that there is none.
func drawPlan(rt *rapid.T, restarts bool) string {
	var plan failpoint.Plan
	all := rules()
	dies := func(r failpoint.Rule, how string) bool { return strings.Contains(r.String(), how) }
	for range rapid.IntRange(1, 3).Draw(rt, "rules") {
		when := rapid.SampledFrom([]string{"1*", "1*off->1*", "2*off->2*", "3*"}).Draw(rt, "when")
		rule := failpoint.MustParse(fmt.Sprintf(all[uniform(rt, "rule", len(all))], when))[0]
		if dies(rule, "kill") && restarts {
			continue
		}
		if !slices.ContainsFunc(plan, func(r failpoint.Rule) bool {
			return r.Site == rule.Site || dies(r, "kill") && dies(rule, "crash") || dies(r, "crash") && dies(rule, "kill")
		}) {
			plan = append(plan, rule)
		}
	}
	return plan.String()
}
