package scenarios

import "slices"

// Race is an invariant that variants break, and a workload in which a search finds
// that, without anybody making the interleaving by hand.
type Race struct {
	Invariant string // ID in package model
	Workload  string
	// From is the first variant of containerd's service that has it, To the last one;
	// "" if none has.
	From, To string
	Peers    []string // those of Peers that have it
}

// Races returns them, by invariant. docs/variants.md has more, made by hand.
func Races() []Race {
	const (
		badDisk   = "start|start; faults=2:checkpoint.Write"
		noCleanup = "start; faults=2:tasks.Start,tasks.Delete"
		noCreate  = "start; faults=1:tasks.Create"
		noRemove  = "start|remove|remove; faults=2:tasks.Create,tasks.Get"
		manyReads = "start|status|stop=10s|status|remove|exit=7; faults=2"
		worseDisk = "start|start|status|exit=1; faults=3:checkpoint.Write"
		oom       = "start|oom|status; faults=1:checkpoint.Write"
		unknown   = "crash; running; faults=1:checkpoint.Write"
		hang      = "a.start|a.hang|b.start|b.stop=10s|b.status|b.remove|list"
	)
	moby, locks, conmon := []string{"moby2016"}, []string{"crio2018", "crio2020"}, []string{"conmon2020"}
	all, unlocked := slices.Concat(moby, locks, conmon), slices.Concat(moby, conmon)
	return []Race{
		{"I1", badDisk, "seed2019", "v2_4_2", all},
		{"I2", manyReads, "preseed", "preseed", nil},
		{"I2", unknown, "cri1351", "v2_4_2", nil},
		{"I2", noRemove, "", "", moby},
		{"I3", "start|exit=7; loss", "preseed", "preseed", unlocked},
		{"I3", noCreate, "preseed", "v2_4_2", all},
		{"I4", noCleanup, "preseed", "preseed", nil},
		{"I4", "start|exit=7; faults=1:tasks.Wait", "seed2019", "v2_4_2", slices.Concat(moby, locks)},
		{"I4", "exit=7|crash; running", "cri1351", "v2_4_2", nil},
		{"I4", badDisk, "", "", conmon},
		{"I5", worseDisk, "preseed", "seed2019", nil},
		{"I5", oom, "cri1351", "v2_4_2", nil},
		{"I5", badDisk, "", "", all},
		{"I6", "start|exit=7|watch", "v1_7", "v2_4_2", nil},
		{"I6", "start|stop; hooks", "v1_7", "v2_4_2", nil},
		{"I8", noRemove, "preseed", "v2_4_2", all},
		{"I9", badDisk, "preseed", "preseed", locks},
		{"I9", "start|stop", "seed2019", "v2_4_2", unlocked},
		{"I11", noCleanup, "preseed", "v2_4_0", all},
		{"I11", badDisk, "v2_4_2", "v2_4_2", nil},
		{"I12", unknown, "cri1351", "v2_4_2", nil},
		{"I14", noCreate, "preseed", "v2_4_2", all},
		{"I15", "stop=10s|stop=10s; ignoreterm; running", "preseed", "parallel2021", unlocked},
		{"I15", "stop=10s; running; ignoreterm; faults=1:tasks.Kill", "v1_7", "v2_4_2", nil},
		{"I15", "start|stop=10s|stop=10s|giveup; ignoreterm", "", "", locks},
		{"I16", "stop|stop|crash|watch; running; faults=1:tasks.Get", "v1_7", "v2_4_2", nil},
		{"I17", "a.start|b.start|a.exit=7|stopsandbox", "preseed", "preseed", nil},
		{"I17", "start|stopsandbox", "seed2019", "v2_4_2", all},
		{"I18", hang, "preseed", "preseed", conmon},
		{"I18", "a.start|a.update|a.hang|b.start|watch", "v1_7", "v2_4_2", nil},
		{"I19", "start|update", "cri1351", "v2_4_2", nil},
		{"I20", oom, "cri1351", "v2_4_2", nil},
		{"I21", worseDisk, "preseed", "preseed", nil},
		{"I21", badDisk, "", "", moby},
	}
}

// In returns the variants that have it: containerd's, the oldest first, and the peers.
func (r Race) In() []Variant {
	var in []Variant
	between := false
	for _, v := range All() {
		between = between || v.Name == r.From
		if between || slices.Contains(r.Peers, v.Name) {
			in = append(in, v)
		}
		between = between && v.Name != r.To
	}
	return in
}
