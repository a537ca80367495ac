package cri

// Changes are those made to the algorithm since containerd/cri#1351, in the
// order in which they came. The zero value has none of them.
type Changes struct {
	// RemoveStops: RemoveContainer stops a container that runs or is UNKNOWN.
	// Before, it refuses. cri#1525, 2020-07.
	RemoveStops bool
	// ClearsUnknown: the end of an UNKNOWN container makes it EXITED, also if
	// its start had failed. Before, it stays UNKNOWN and cannot be removed.
	// containerd#4656, 2020-10.
	ClearsUnknown bool
	// Parallel: each monitor handles its exit. Before, one loop handles all of
	// them, and a slow one delays the others. It opens the overwriting of the
	// back-off queue, and lets a monitor of the recovery look for its container
	// too early. containerd#4682, 2021-01.
	Parallel bool
	// SignalsOnce: the stop signal is sent once. Before, each Stop sends it.
	// containerd#5021, 2021-02.
	SignalsOnce bool
	// Notifies: plugins and subscribers are told of starts and ends. NRI and
	// GetContainerEvents, in 1.7 and since.
	Notifies bool
	// AsksForRecord: start, stop and remove ask for containerd's record of the
	// container, and fail without it; a remove that finds none drops the container
	// whatever its state. containerd#8414, 2023-04, and the metrics of 1.7.
	AsksForRecord bool
	// EndsShim: a task that is NotFound is deleted once more, so that its shim
	// ends. containerd#8954, 2023-08.
	EndsShim bool
	// UnavailableIsDead: a task that cannot be asked for, since its shim is gone,
	// counts as ended. Before, that is tried again for ever. containerd#9112, 2023-09.
	UnavailableIsDead bool
	// WatchesLast: recovery makes a container known before its monitor looks for
	// it. Before, an exit in between is lost. containerd#11579, 2025-03.
	WatchesLast bool
	// RetriesStop: a stop whose connection to the shim is closed is tried again.
	// containerd#12399, 2025-10.
	RetriesStop bool
	// AsksForOOM: before a killed process is recorded its cgroup is asked for an
	// OOM kill. Before, only the event tells. containerd#12714, 2026-01.
	AsksForOOM bool
	// KeepsUnknown: a failed start whose task could not be deleted is UNKNOWN,
	// so that it can be stopped and removed. Before, it is EXITED, and a live
	// task keeps it from being removed for ever. In 2.4.1.
	KeepsUnknown bool
}

// Release is a moment in the history of the algorithm.
type Release struct {
	Name    string // as in flags and schedules
	Title   string // one line: what it is
	Changes Changes
}

// Releases returns all of them, the oldest first.
func Releases() []Release {
	cri1351 := Changes{}
	parallel := Changes{RemoveStops: true, ClearsUnknown: true, Parallel: true}
	v17 := parallel
	v17.SignalsOnce, v17.Notifies, v17.AsksForRecord, v17.EndsShim = true, true, true, true
	v240 := v17
	v240.UnavailableIsDead, v240.WatchesLast, v240.RetriesStop, v240.AsksForOOM = true, true, true, true
	v242 := v240
	v242.KeepsUnknown = true
	return []Release{
		{"cri1351", "December 2019 (cri#1351): what cannot be loaded is UNKNOWN, one loop handles exits", cri1351},
		{"parallel2021", "January 2021 (containerd#4682): each exit is handled by its monitor", parallel},
		{"v1_7", "containerd 1.7", v17},
		{"v2_4_0", "containerd 2.4.0", v240},
		{"v2_4_2", "containerd 2.4.2: a failed start that cannot be undone is UNKNOWN", v242},
	}
}
