package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/scenarios/variants/cri"
	"github.com/startrace/startrace/scenarios/variants/peers"
	"github.com/startrace/startrace/scenarios/variants/preseed"
	"github.com/startrace/startrace/scenarios/variants/seed2019"
)

// Variant is an implementation of the service that can be put in a scenario.
type Variant struct {
	Name  string // as in flags and schedules
	Title string // one line: what it is
	// Has lists what it can do beside the calls of a Service.
	Has []Ability
	// New returns a service in env. Only one that Recovers takes over what an
	// earlier one left.
	New func(ctx context.Context, env variants.Env) (Service, error)
}

// Ability is what not every variant can do. Its value is the operation or
// condition of workloads that needs it.
type Ability string

// The abilities.
const (
	Updates  Ability = "update" // the service is an Updater
	Execs    Ability = "exec"   // it is an Execer
	Watches  Ability = "watch"  // it is a Watcher
	TellsOOM Ability = "oom"    // it finds out that a process ended for lack of memory
	CallsOut Ability = "hooks"  // it calls Env.Hooks
	Pauses   Ability = "pause"  // it runs Env.Pause in sandboxes, and has records of them
	Recovers Ability = "crash"  // New takes over what an earlier service left
)

// Check returns an error if w needs what v cannot do.
func (v Variant) Check(w Workload) error {
	for _, need := range w.needs() {
		if !slices.Contains(v.Has, need) {
			return fmt.Errorf("variant %s has no %s: choose another variant, or a workload without it", v.Name, need)
		}
	}
	return nil
}

// open makes a service of v in env, which has what v says that it has.
func (v Variant) open(ctx context.Context, env variants.Env) (Service, error) {
	s, err := v.New(ctx, env)
	if err != nil {
		return nil, err
	}
	for ability, is := range map[Ability]func() bool{
		Updates: func() bool { _, ok := s.(Updater); return ok },
		Execs:   func() bool { _, ok := s.(Execer); return ok },
		Watches: func() bool { _, ok := s.(Watcher); return ok },
	} {
		if slices.Contains(v.Has, ability) && !is() {
			return nil, errors.Join(fmt.Errorf("variant %s says that it has %s, and has no method for it", v.Name, ability), s.Close())
		}
	}
	return s, nil
}

// Reference is the variant that keeps all invariants.
var Reference = Variant{
	Name:  "reference",
	Title: "the reference implementation, package impl",
	Has:   []Ability{Updates, Execs, Watches, TellsOOM, CallsOut, Pauses, Recovers},
	New: func(ctx context.Context, env variants.Env) (Service, error) {
		return orNil(impl.New(ctx, impl.Config{
			Client:         env.Client,
			Checkpoints:    env.Checkpoints,
			Namespace:      env.Namespace,
			Runtime:        env.Runtime,
			RuntimeOptions: env.RuntimeOptions,
			CgroupParent:   env.CgroupParent,
			NewID:          env.NewID,
			Pause:          env.Pause,
			Hooks:          env.Hooks,
		}))
	},
}

// Variants returns the variants of containerd's service, the oldest first, and the
// reference last. All but that break invariants in the default workload.
func Variants() []Variant {
	all := []Variant{
		{
			Name:  "preseed",
			Title: "until April 2019: the start is one transaction, exits come from the event stream",
			New: func(ctx context.Context, env variants.Env) (Service, error) {
				return orNil(preseed.New(ctx, env))
			},
		},
		{
			Name:  "seed2019",
			Title: "since April 2019: a Starting flag, exits come from Wait",
			New: func(ctx context.Context, env variants.Env) (Service, error) {
				return orNil(seed2019.New(ctx, env))
			},
		},
	}
	for _, r := range cri.Releases() {
		has := []Ability{Updates, TellsOOM, Recovers}
		if r.Changes.Notifies {
			has = append(has, Watches, CallsOut)
		}
		all = append(all, Variant{
			Name:  r.Name,
			Title: r.Title,
			Has:   has,
			New: func(ctx context.Context, env variants.Env) (Service, error) {
				return orNil(cri.New(ctx, env, r.Changes))
			},
		})
	}
	return append(all, Reference)
}

// Peers returns designs of other projects. What is wrong with them need not show in
// the default workload.
func Peers() []Variant {
	return []Variant{
		{
			Name:  "moby2016",
			Title: "moby after its big lock was broken (moby#18736): a lock for the check of a start, none for the start",
			New: func(ctx context.Context, env variants.Env) (Service, error) {
				return orNil(peers.NewMoby2016(ctx, env))
			},
		},
		{
			Name:  "crio2018",
			Title: "cri-o's lock for all operations of a container, its status as well (cri-o#1477)",
			New: func(ctx context.Context, env variants.Env) (Service, error) {
				return orNil(peers.NewCRIO2018(ctx, env))
			},
		},
		{
			Name:  "crio2020",
			Title: "the same, the status without it (cri-o#3457)",
			New: func(ctx context.Context, env variants.Env) (Service, error) {
				return orNil(peers.NewCRIO2020(ctx, env))
			},
		},
		{
			Name:  "conmon2020",
			Title: "a watcher that learns late which process to watch (conmon#139)",
			New: func(ctx context.Context, env variants.Env) (Service, error) {
				return orNil(peers.NewConmon2020(ctx, env))
			},
		},
	}
}

// All returns the variants and peers, the reference last.
func All() []Variant {
	own := Variants()
	last := len(own) - 1
	return slices.Concat(own[:last], Peers(), own[last:])
}

// Lookup returns the variant or peer of that name. The error lists all names.
func Lookup(name string) (Variant, error) {
	var names []string
	for _, v := range All() {
		if v.Name == name {
			return v, nil
		}
		names = append(names, v.Name)
	}
	return Variant{}, fmt.Errorf("unknown variant %q: there are %s", name, strings.Join(names, ", "))
}

// orNil keeps a nil pointer from becoming a service that is not nil.
func orNil[S interface {
	comparable
	Service
}](s S, err error) (Service, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
