#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the slot protocol of mpmc hold on every path, whoever dies between any two steps? RINGSHM_CRASH_SHARE=1:
# also the large casts (minutes and gigabytes).
# timeout: 180
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

MODEL=$TOP/tests/promela/mpmc.pml
WORK=$(mktemp -d)
trap 'kill $(jobs -rp) 2>/dev/null; rm -rf "$WORK"' EXIT
QUESTIONS=()

# search DIRECTORY NAME=VALUE... : every path of the model with these definitions. Fails when one of them is
# wrong, and when the search does not come to its end.
search() {
	local directory=$1
	shift
	mkdir "$directory" && cd "$directory" &&
		spin -a "${@/#/-D}" "$MODEL" &&
		gcc "$OPTIMIZE" -w -DSAFETY -DCOLLAPSE -DMEMLIM="${MEGABYTES:-1000}" -o pan pan.c || return
	./pan -m100000 >pan.out
	cat pan.out
	grep -q 'errors: 0$' pan.out && ! grep -qE 'not completed|max search depth' pan.out
}

# ask QUESTION NAME=VALUE... : search in the background, two at a time.
ask() {
	local n=${#QUESTIONS[@]}
	QUESTIONS+=("$1")
	shift
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
	(
		search "$WORK/$n" "$@" >"$WORK/$n.out" 2>&1 </dev/null
		echo $? >"$WORK/$n.status"
	) &
}

# holds NAME=VALUE... : and how many states that were.
holds() { OPTIMIZE=-O1 ask "no path goes wrong: $*" "$@"; }

# finds WHAT NAME=VALUE... : a fault of that name, in a cast that can show it; sooner than a compiler optimizes.
finds() { OPTIMIZE=-O0 ask "$1 is noticed" "${@:2}"; }

answer() { cat "$WORK/$1.out" && return "$(cat "$WORK/$1.status")"; }

answers() {
	local n
	wait
	for n in "${!QUESTIONS[@]}"; do
		if [[ ${QUESTIONS[n]} = *noticed ]]; then
			tap_finds "${QUESTIONS[n]}" 'assertion violated' answer "$n"
		elif tap_check "${QUESTIONS[n]}" answer "$n"; then
			grep -oE '[0-9.e+]+ states, stored' "$WORK/$n.out" | tap_note
		fi
	done
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
holds COMING=0 DEATHS=0 CONSUMING=2 ROUNDS=4 LAPS=4 BRISK HOLED FILLED=2 # ... while a consumer has a hole on record
if [ "${RINGSHM_CRASH_SHARE:-}" = 1 ]; then
	MEGABYTES=8000
	holds COMING=0 DEATHS=1 PRODUCING=2
	holds COMING=0 DEATHS=2 CONSUMING=2
	holds COMING=1 DEATHS=1 CONSUMING=0 REPAIRING=2
	holds COMING=0 DEATHS=0 REPAIRING=1 ROUNDS=6 LAPS=4 BRISK
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
finds 'a repairer that swaps a verdict which it has not judged' NEWEST
finds 'a repairer that stores where it should swap' BLIND
finds 'a hole that a consumer does not remember to be one' \
	COMING=0 DEATHS=0 CONSUMING=2 ROUNDS=4 LAPS=4 BRISK HOLED FILLED=2 FORGETFUL
finds "a dead one's intents left to who takes its seat" UNSWEPT
finds 'the intent of a failed claim left standing' COMING=0 PRODUCING=2 UNCLEARED
finds 'a loss that is not marked' UNMARKED
finds 'a loss counted on top of one that is not folded' UNFOLDED
answers
tap_done
