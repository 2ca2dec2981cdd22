#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the slot protocol of mpmc hold on every path, whoever dies between any two steps? RINGSHM_CRASH_SHARE=1:
# also the large casts (minutes and gigabytes).
# timeout: 120
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

MODEL=$TOP/tests/promela/mpmc.pml
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# search MEGABYTES NAME=VALUE... : every path of the model with these definitions. Fails when one of them is
# wrong, and when the search does not come to its end.
search() {
	local megabytes=$1
	shift
	cd "$WORK" && rm -f -- * &&
		spin -a "${@/#/-D}" "$MODEL" &&
		gcc "${OPTIMIZE:--O1}" -w -DSAFETY -DCOLLAPSE -DMEMLIM="$megabytes" -o pan pan.c || return
	./pan -m100000 >pan.out
	cat pan.out
	grep -q 'errors: 0$' pan.out && ! grep -qE 'not completed|max search depth' pan.out
}

# holds NAME=VALUE... : and how many states that were.
holds() {
	local question="no path goes wrong: $*"
	if tap_check "$question" search "${MEGABYTES:-1000}" "$@"; then
		grep -oE '[0-9.e+]+ states, stored' "$WORK/pan.out" | tap_note
	fi
}

# finds WHAT NAME=VALUE... : a fault of that name, in a cast that can show it.
finds() {
	local what=$1 OPTIMIZE=-O0 # soon found: the compiler takes longer
	shift
	tap_finds "$what is noticed" 'assertion violated' search 1000 "$@"
}

holds COMING=1 DEATHS=2
holds COMING=0 ROUNDS=2 DEATHS=2
holds COMING=0 ROUNDS=2 DEATHS=2 SLOTS=4
holds COMING=0 DEATHS=2 PRODUCING=2 CONSUMING=0 REPAIRING=1
holds COMING=0 DEATHS=2 PRODUCING=0 CONSUMING=2 REPAIRING=1 FILLED=2
holds COMING=1 DEATHS=2 CONSUMING=1 FILLED=2
holds COMING=0 DEATHS=1 CONSUMING=2
holds COMING=0 DEATHS=1 CONSUMING=0 REPAIRING=2
holds COMING=0 DEATHS=2 ROUNDS=2 FILLED=2 LAPS=4 # a slot may be worn out
holds COMING=0 DEATHS=2 ROUNDS=2 SCOUTING
holds COMING=0 DEATHS=1 PRODUCING=2 SCOUTING
holds COMING=0 DEATHS=0 REPAIRING=1 ROUNDS=5 LAPS=4 BRISK # laps come again
if [ "${RINGSHM_CRASH_SHARE:-}" = 1 ]; then
	MEGABYTES=8000
	holds COMING=0 DEATHS=1 PRODUCING=2
	holds COMING=0 DEATHS=2 CONSUMING=2
	holds COMING=1 DEATHS=1 CONSUMING=0 REPAIRING=2
	holds COMING=0 DEATHS=0 REPAIRING=1 ROUNDS=6 LAPS=4 BRISK
	holds COMING=0 DEATHS=0 REPAIRING=2 ROUNDS=5 LAPS=4 BRISK
	holds COMING=1 DEATHS=2 ROUNDS=2
	holds COMING=1 DEATHS=2 CONSUMING=0 REPAIRING=2
	holds COMING=1 DEATHS=1 PRODUCING=2
	holds COMING=1 DEATHS=1 CONSUMING=2
fi

finds 'a claim that is anonymous for one step' ANONYMOUS
finds 'a claim that the cursor does not confirm' COMING=0 PRODUCING=2 UNCONFIRMED
finds 'a cursor with no more bits than an index' COMING=0 DEATHS=0 PRODUCING=2 ROUNDS=2 NARROW
finds 'a repairer that reads the intents before the cursor' RECORDS_FIRST
finds 'a repairer that remembers who was dead' CACHED
finds 'a repairer that does not look at the state again' ONCE
finds 'a repairer that does not look at the cursor again' COMING=0 DEATHS=0 REPAIRING=1 ROUNDS=5 LAPS=4 BRISK UNLOOKED
finds 'a repairer that swaps a verdict read after the state was' NEWEST
finds 'a repairer that stores where it should swap' BLIND
finds "a dead one's intents left to who takes its seat" UNSWEPT
finds 'the intent of a failed claim left standing' COMING=0 PRODUCING=2 UNCLEARED
finds 'a loss that is not marked' UNMARKED
finds 'a loss counted on top of one that is not folded' UNFOLDED
tap_done
