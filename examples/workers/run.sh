#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A file is compressed by workers of which one is killed every so often and replaced; then: is every job accounted
# for, and is the output the input again? Usage: run.sh [-n WORKERS] [-e SECONDS] [-l LEVEL] [FILE]
set -u

say() { printf '%s\n' "$*"; }
die() { printf 'run.sh: %s\n' "$*" >&2; exit 1; }

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROGRAM=${WORKERS:-$HERE/../../build/examples/workers/workers}
COUNT=4 EVERY=0.1 LEVEL=9 LIMIT=300
while getopts n:e:l: option; do
	case $option in
	n) COUNT=$OPTARG ;;
	e) EVERY=$OPTARG ;;
	l) LEVEL=$OPTARG ;;
	*) die "usage: run.sh [-n WORKERS] [-e SECONDS between two kills] [-l LEVEL of compression] [FILE]" ;;
	esac
done
shift $((OPTIND - 1))
[ -x "$PROGRAM" ] || die "there is no $PROGRAM: build first (see README.md), or set WORKERS to the program"
[[ $COUNT =~ ^[1-9][0-9]?$ ]] || die "-n '$COUNT': give 1 to 99 workers"

QUEUE=workers.$$
WORK=$(mktemp -d) || die "no room for a temporary directory"
PIDS=() SUBMITTER=

# Ends what still runs, by the ids of those that this script has started.
clear_up() {
	[ -z "$SUBMITTER" ] || kill "$SUBMITTER" 2>/dev/null && wait "$SUBMITTER" 2>/dev/null
	[ ${#PIDS[@]} -eq 0 ] || kill -9 "${PIDS[@]}" 2>/dev/null
	rm -rf "$WORK"
}
trap clear_up EXIT
trap 'exit 130' INT TERM

# start_worker PLACE
start_worker() {
	"$PROGRAM" --work="$QUEUE" --level="$LEVEL" &
	PIDS[$1]=$!
}

# Kills one worker after the other and puts a new one in its place, until the submitter ends; counts into KILLED.
kill_workers() {
	local began=$SECONDS place
	KILLED=0
	while kill -0 "$SUBMITTER" 2>/dev/null; do
		[ $((SECONDS - began)) -lt $LIMIT ] || die "not done within $LIMIT s"
		sleep "$EVERY"
		place=$((RANDOM % COUNT))
		kill -9 "${PIDS[$place]}" 2>/dev/null || continue
		wait "${PIDS[$place]}" 2>/dev/null
		KILLED=$((KILLED + 1))
		kill -0 "$SUBMITTER" 2>/dev/null && start_worker $place
	done
}

FILE=${1:-$WORK/input}
[ $# -gt 0 ] || seq 1 6000000 >"$FILE"
[ -r "$FILE" ] || die "cannot read $FILE"

"$PROGRAM" --submit="$QUEUE" --output="$WORK/output.gz" "$FILE" >"$WORK/report" &
SUBMITTER=$!
for ((i = 0; i < COUNT; i++)); do start_worker $i; done
kill_workers
wait "$SUBMITTER"
failed=$?
SUBMITTER=
# The last ones end by themselves, but for one that came when the queue was gone already.
kill "${PIDS[@]}" 2>/dev/null
wait "${PIDS[@]}" 2>/dev/null
PIDS=()

cat "$WORK/report"
say "killed       $KILLED workers"
[ $failed -eq 0 ] || die "the submitter ended with status $failed"
gunzip -c "$WORK/output.gz" | cmp - "$FILE" || die "what was compressed is not what was given"
say "the output, decompressed, is the input"
