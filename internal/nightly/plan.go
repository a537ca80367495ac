package nightly

import (
	"math/rand/v2"
	"time"

	"github.com/startrace/startrace/scenarios"
)

// Plan is what happens in a round.
type Plan struct {
	Round     int
	Seed      uint64               // of the times of the calls and the faults
	Workloads []scenarios.Workload // each on a container of its own
	Breaks    scenarios.Breaks     // none: the containers run undisturbed
}

// Draw returns the plan of a round, from 1 on, with so many containers and no faults
// but those that are allowed. Equal arguments make equal plans.
//
// Each round has a vocabulary that is drawn first, in which about half of the
// operations are missing: what all of them together hide, some of them alone find
// (Groce, Zhang, Eide, Chen, Regehr: Swarm Testing, ISSTA 2012). So it is with faults.
func Draw(seed uint64, round, containers int, allowed scenarios.Breaks) Plan {
	random := rand.New(rand.NewPCG(seed, uint64(round)))
	p := Plan{Round: round, Seed: random.Uint64()}
	p.Breaks = scenarios.Breaks{
		Daemon: coin(random) && allowed.Daemon,
		Shims:  coin(random) && allowed.Shims,
	}
	words := drawVocabulary(random)
	for range containers {
		p.Workloads = append(p.Workloads, words.draw(random))
	}
	return p
}

func coin(random *rand.Rand) bool { return random.IntN(2) == 0 }

// vocabulary is what the workloads of a round may have. There is always a start.
type vocabulary struct {
	starts, stops, removes, reads, exits bool // more than one start
	ignores                              bool // processes that ignore SIGTERM
	graceful                             bool // stops that wait before they kill
}

func drawVocabulary(random *rand.Rand) vocabulary {
	return vocabulary{
		starts: coin(random), stops: coin(random), removes: coin(random), reads: coin(random),
		exits: coin(random), ignores: coin(random), graceful: coin(random),
	}
}

// The largest number of operations of a kind on a container.
const (
	mostStarts  = 3
	mostStops   = 2
	mostRemoves = 2
	mostReads   = 2
)

// stopGrace is how long a graceful stop waits: the shortest that CRI can say.
const stopGrace = time.Second

// draw returns the workload of a container.
func (v vocabulary) draw(random *rand.Rand) scenarios.Workload {
	var w scenarios.Workload
	add := func(on bool, least, most int, op func() scenarios.Op) {
		n := least + random.IntN(most-least+1)
		if !on {
			n = least
		}
		for range n {
			w.Ops = append(w.Ops, op())
		}
	}
	kind := func(k scenarios.OpKind) func() scenarios.Op {
		return func() scenarios.Op { return scenarios.Op{Kind: k} }
	}
	add(v.starts, 1, mostStarts, kind(scenarios.Start))
	add(v.stops, 0, mostStops, func() scenarios.Op {
		op := scenarios.Op{Kind: scenarios.Stop}
		if v.graceful && coin(random) {
			op.Timeout = stopGrace
		}
		return op
	})
	add(v.removes, 0, mostRemoves, kind(scenarios.Remove))
	add(v.reads, 0, mostReads, kind(scenarios.Status))
	add(v.exits, 0, 1, func() scenarios.Op {
		return scenarios.Op{Kind: scenarios.Exit, Code: uint8(random.IntN(256))}
	})
	w.IgnoreTerm = v.ignores && coin(random)
	return w
}

// number returns the k-th round, from 0 on, of part index, from 0 on, of so many
// parts; 0 parts are one.
func number(k, index, parts int) int { return index + 1 + k*max(parts, 1) }
