#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the tests of the command share. To be sourced; TREE says which build to test.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

WORK=$(mktemp -d)
export RINGSHM_DIR=$WORK/channels
ATTACHED=()

clean_up() {
	[ ${#ATTACHED[@]} -eq 0 ] || kill "${ATTACHED[@]}" 2>/dev/null
	rm -rf "$WORK"
}
trap clean_up EXIT

ringshm() { timeout -k 5 60 "$TREE/tools/ringshm" "$@"; }

# attach NAME ROLE MESSAGES : a participant in the background, ready when this returns; its pid in PID.
attach() {
	local fifo
	fifo=$WORK/fifo.$#.$RANDOM$RANDOM
	mkfifo "$fifo"
	timeout 60 sleep 60 >"$fifo" & # holds the other end open
	ATTACHED+=($!)
	"$TREE/tests/tools/attach" "$@" <"$fifo" >"$fifo.out" 2>&1 &
	PID=$!
	ATTACHED+=("$PID")
	for _ in $(seq 200); do
		grep -q ready "$fifo.out" && return 0
		sleep 0.05
	done
	cat "$fifo.out"
	return 1
}

# exits CODE COMMAND... : the command exits with that code.
exits() {
	local want=$1 rc
	shift
	"$@"
	rc=$?
	[ $rc -eq "$want" ] || { say "exited with $rc, not $want"; return 1; }
}

# json FILTER COMMAND... : the command prints JSON for which the jq filter is true.
json() {
	local filter=$1 words
	shift
	words=$("$@") || { say "failed: $words"; return 1; }
	jq -e "$filter" <<<"$words" >/dev/null || { say "$words"; return 1; }
}

# says PATTERN COMMAND... : its output, either one, matches.
says() {
	local pattern=$1 words
	shift
	words=$("$@" 2>&1)
	grep -qE -- "$pattern" <<<"$words" || { say "$words"; return 1; }
}
