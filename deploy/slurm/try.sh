#!/bin/bash
# Runs array.sh on a cluster of one node, which it starts and takes down again: make slurm.
# Needs root, and munged, slurmctld and slurmd: apt-get install slurm-wlm munge
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
	echo "make slurm: $*" >&2
	exit 3
}
[ "$(id -u)" = 0 ] || fail "the daemons need root. Run it with: sudo -E make slurm"
for tool in munged slurmctld slurmd sbatch sinfo scontrol; do
	command -v "$tool" >/dev/null || fail "there is no $tool. Install it with: apt-get install slurm-wlm munge"
done

tmp=$(mktemp -d)
pids=()
stop() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	rm -rf "$tmp"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$tmp/state" "$tmp/spool" "$tmp/results"

# munged wants its files where no other user can write.
chmod 755 "$tmp"
head -c 128 /dev/urandom >"$tmp/munge.key"
chmod 400 "$tmp/munge.key"
munged --foreground --force --key-file "$tmp/munge.key" --socket "$tmp/munge.socket" --pid-file "$tmp/munge.pid" \
	--log-file "$tmp/munge.log" --seed-file "$tmp/munge.seed" >"$tmp/munged.out" 2>&1 &
pids+=($!)

host=$(hostname -s)
port=$((20000 + RANDOM % 20000))
cat >"$tmp/slurm.conf" <<EOF
ClusterName=startrace
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$tmp/munge.socket
CredType=cred/munge
StateSaveLocation=$tmp/state
SlurmdSpoolDir=$tmp/spool
SlurmctldPidFile=$tmp/slurmctld.pid
SlurmdPidFile=$tmp/slurmd.pid
SlurmctldLogFile=$tmp/slurmctld.log
SlurmdLogFile=$tmp/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=main Nodes=$host Default=YES State=UP
EOF
export SLURM_CONF="$tmp/slurm.conf"

# The first use builds the controlled runtime, which the tasks then share.
go build -o "$tmp/startrace" ./cmd/startrace
"$tmp/startrace" explore --variant reference --workload start --budget 1 >/dev/null

slurmctld -D -f "$SLURM_CONF" >"$tmp/slurmctld.out" 2>&1 &
pids+=($!)
slurmd -D -f "$SLURM_CONF" -N "$host" >"$tmp/slurmd.out" 2>&1 &
pids+=($!)
for _ in $(seq 60); do
	sinfo --noheader --format %t 2>/dev/null | grep -q '^idle$' && break
	sleep 1
done
if ! sinfo --noheader --format %t | grep -q '^idle$'; then
	tail -n 20 "$tmp"/*.out "$tmp"/*.log >&2
	fail "the node is not idle after a minute"
fi

export STARTRACE="$tmp/startrace" RESULTS="$tmp/results" ARGS="${ARGS:---variant reference --budget 4000 --strategy portfolio --workers 1}"
if ! sbatch --wait --array=1-8 --output="$tmp/task-%a.log" deploy/slurm/array.sh; then
	tail -n 5 "$tmp"/task-*.log >&2
fi
"$tmp/startrace" merge "$tmp"/results/*
