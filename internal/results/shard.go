package results

import (
	"fmt"
	"os"
	"strconv"

	"github.com/startrace/startrace/sim"
)

// ShardsVariable is the environment variable that says how many shards there are where
// the scheduler of the machines only says which one this is.
const ShardsVariable = "STARTRACE_SHARDS"

// ShardOf returns the part of a run that this process is to do: flag, as 1/8, or if that
// is "" what the environment says.
//
//	Kubernetes, an Indexed Job: JOB_COMPLETION_INDEX from 0, of STARTRACE_SHARDS
//	Slurm, an array: SLURM_ARRAY_TASK_ID from SLURM_ARRAY_TASK_MIN, of SLURM_ARRAY_TASK_COUNT
//
// The zero Shard is the whole.
func ShardOf(flag string) (sim.Shard, error) {
	if flag != "" {
		return sim.ParseShard(flag)
	}
	for _, s := range []struct{ index, first, count string }{
		{"JOB_COMPLETION_INDEX", "", ShardsVariable},
		{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT"},
	} {
		if os.Getenv(s.index) == "" {
			continue
		}
		index, err := number(s.index)
		if err != nil {
			return sim.Shard{}, err
		}
		if s.first != "" {
			first, err := number(s.first)
			if err != nil {
				return sim.Shard{}, err
			}
			index -= first
		}
		count, err := number(s.count)
		if err != nil {
			return sim.Shard{}, fmt.Errorf("%s says which part of a run this is, and not of how many: %w", s.index, err)
		}
		shard, err := sim.ParseShard(fmt.Sprintf("%d/%d", index+1, count))
		if err != nil {
			return sim.Shard{}, fmt.Errorf("%s and %s: %w", s.index, s.count, err)
		}
		return shard, nil
	}
	return sim.Shard{}, nil
}

func number(variable string) (int, error) {
	text := os.Getenv(variable)
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%s=%q is no number: set it, or use --shard", variable, text)
	}
	return n, nil
}
