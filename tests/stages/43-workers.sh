#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Is every job of the workers example accounted for, whoever is killed, and is one that is not noticed?
# timeout: 120
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

export WORKERS=$TREE/examples/workers/workers
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
[ -x "$WORKERS" ] || { tap_skip 'no zlib: apt-get install zlib1g-dev' 'a job queue whose workers are killed'; tap_done; }

# figure NAME : the number behind it in the last report.
figure() { awk -v name="$1 " 'index($0, name) == 1 { sub(name, ""); n = $1 + 0; exit } END { print n + 0 }' "$WORK/report"; }
# said PATTERN STATUS COMMAND... : the command ends with that status and says the pattern.
said() {
	local rc
	timeout 30 "${@:3}" >"$WORK/words" 2>&1
	rc=$?
	grep -qE -- "$1" "$WORK/words" && [ $rc -eq "$2" ] || { cat "$WORK/words"; say "status $rc"; return 1; }
}
run() { timeout 60 "$TOP/examples/workers/run.sh" -n 4 >"$WORK/report" 2>&1 || { cat "$WORK/report"; return 1; }; }
# Both ends by hand: careless SUBMITTER... ; its workers throw every 20th job away.
careless() {
	local rc worker
	"$WORKERS" --work=careless --careless=20 &
	worker=$!
	"$WORKERS" --submit=careless --patience=1 --output="$WORK/out.gz" "$WORK/input"
	rc=$?
	wait "$worker" || rc=99
	return $rc
}
orphaned() {
	local rc submitter worker
	"$WORKERS" --submit=orphaned --output="$WORK/out.gz" "$WORK/input" &
	submitter=$!
	sleep 0.2
	kill -9 $submitter
	wait $submitter 2>/dev/null
	"$WORKERS" --work=orphaned &
	worker=$!
	wait $worker
	rc=$?
	"$TREE/tools/ringshm" rm orphaned.jobs && "$TREE/tools/ringshm" rm orphaned.results
	return $rc
}
export -f careless orphaned
export WORK TREE

if tap_check 'workers are killed all the time, and every job is done or counted, the output complete' run; then
	tap_note <"$WORK/report"
	tap_check 'several were killed' test "$(figure killed)" -ge 5
	tap_check 'and jobs with them, which the ring counted' test "$(figure 'jobs lost')" -ge 1
	tap_check 'done and lost make what was sent' \
		test $(($(figure 'jobs done') + $(figure 'jobs lost') - $(figure 'done, lost'))) -eq "$(figure 'jobs sent')"
fi
seq 1 1000000 >"$WORK/input"
tap_check 'jobs thrown away are noticed' said '^unaccounted  [1-9]' 1 bash -c careless
tap_check 'a worker whose submitter is dead does what is left, and says so' said 'the submitter has died' 1 bash -c orphaned
tap_check 'a submitter without workers says so' said 'start one: workers --work=alone' 1 \
	"$WORKERS" --submit=alone --patience=1 --output="$WORK/out.gz" "$WORK/input"
tap_check 'nonsense is refused in words' said "'0' is not a number from 1" 64 "$WORKERS" --work=x --level=0
tap_check 'a queue without a file is refused' said 'a submitter needs a FILE' 64 "$WORKERS" --submit=x
tap_done
