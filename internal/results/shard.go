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

const (
	jobIndex = "JOB_COMPLETION_INDEX"

	arrayIndex = "SLURM_ARRAY_TASK_ID"
	arrayFirst = "SLURM_ARRAY_TASK_MIN"
	arrayCount = "SLURM_ARRAY_TASK_COUNT"
)

// ShardOf returns the part of a run that this process is to do: flag, as 1/8, or if that
// is "" what the environment says.
//
//	Kubernetes, an Indexed Job: JOB_COMPLETION_INDEX from 0, of STARTRACE_SHARDS
//	Slurm, an array: SLURM_ARRAY_TASK_ID from SLURM_ARRAY_TASK_MIN, of SLURM_ARRAY_TASK_COUNT
//
// An array begins with 0 or 1 and has no gaps: where only some of the tasks run again,
// flag has to say which. Nor may both schedulers be there. The zero Shard is the whole.
func ShardOf(flag string) (sim.Shard, error) {
	if flag != "" {
		return sim.ParseShard(flag)
	}
	job, array := os.Getenv(jobIndex) != "", os.Getenv(arrayIndex) != ""
	switch {
	case job && array:
		return sim.Shard{}, fmt.Errorf("%s and %s are both set: use --shard", jobIndex, arrayIndex)
	case job:
		return shardAt(jobIndex, 0, ShardsVariable)
	case array:
		first, err := number(arrayFirst)
		if err != nil {
			return sim.Shard{}, err
		}
		if first > 1 {
			return sim.Shard{}, fmt.Errorf("%s=%d: these are some of the tasks of an array: use --shard", arrayFirst, first)
		}
		return shardAt(arrayIndex, first, arrayCount)
	}
	return sim.Shard{}, nil
}

// shardAt is the shard whose index a variable has, counted from first.
func shardAt(variable string, first int, count string) (sim.Shard, error) {
	index, err := number(variable)
	if err != nil {
		return sim.Shard{}, err
	}
	of, err := number(count)
	if err != nil {
		return sim.Shard{}, fmt.Errorf("%s says which part of a run this is, and not of how many: %w", variable, err)
	}
	s, err := sim.ParseShard(fmt.Sprintf("%d/%d", index-first+1, of))
	if err != nil {
		return sim.Shard{}, fmt.Errorf("%s and %s: %w", variable, count, err)
	}
	return s, nil
}

func number(variable string) (int, error) {
	text := os.Getenv(variable)
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%s=%q is no number: set it, or use --shard", variable, text)
	}
	return n, nil
}
