#!/bin/bash
#SBATCH --job-name=startrace
#SBATCH --array=1-8
#SBATCH --output=%x-%A-%a.log
# Each task of the array is a shard of one search: explore reads which one from the
# variables of Slurm. When all are done: startrace merge "$RESULTS"/*
#
#   STARTRACE  the command (default: startrace)
#   RESULTS    a directory that all nodes share (default: results)
#   ARGS       arguments of explore (default: the reference, 100,000 executions)
set -euo pipefail
# shellcheck disable=SC2086 # several arguments
exec "${STARTRACE:-startrace}" explore ${ARGS:---variant reference --budget 100000} \
	--artifacts "${RESULTS:-results}/shard-$SLURM_ARRAY_TASK_ID"
