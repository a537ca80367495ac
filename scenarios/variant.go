package scenarios

import (
	"context"
	"fmt"
	"strings"

	"github.com/startrace/startrace/impl"
	"github.com/startrace/startrace/scenarios/variants"
	"github.com/startrace/startrace/scenarios/variants/preseed"
	"github.com/startrace/startrace/scenarios/variants/seed2019"
)

// Variant is an implementation of the service that can be put in a scenario.
type Variant struct {
	Name  string // as in flags and schedules
	Title string // one line: what it is
	// New returns a service in env. It does not recover what an earlier one
	// left, except for the reference.
	New func(ctx context.Context, env variants.Env) (Service, error)
}

// Reference is the variant that keeps all invariants.
var Reference = Variant{
	Name:  "reference",
	Title: "the reference implementation, package impl",
	New: func(ctx context.Context, env variants.Env) (Service, error) {
		return orNil(impl.New(ctx, impl.Config{
			Client:         env.Client,
			Checkpoints:    env.Checkpoints,
			Namespace:      env.Namespace,
			Runtime:        env.Runtime,
			RuntimeOptions: env.RuntimeOptions,
			CgroupParent:   env.CgroupParent,
			NewID:          env.NewID,
		}))
	},
}

// Variants returns all variants, the oldest first and the reference last.
func Variants() []Variant {
	return []Variant{
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
		Reference,
	}
}

// Lookup returns the variant of that name. The error lists all names.
func Lookup(name string) (Variant, error) {
	var names []string
	for _, v := range Variants() {
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
