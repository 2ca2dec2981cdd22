#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# For the stages of scripts/check.sh: TAP from shell, and running test programs under a limit.
# To be sourced. A stage ends with tap_done.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

TAP_RUN=0
TAP_FAILED=0

tap_ok() { TAP_RUN=$((TAP_RUN + 1)); say "ok $TAP_RUN - $*"; }
tap_not_ok() { TAP_RUN=$((TAP_RUN + 1)); TAP_FAILED=$((TAP_FAILED + 1)); say "not ok $TAP_RUN - $*"; }
tap_skip() { local why=$1; shift; TAP_RUN=$((TAP_RUN + 1)); say "ok $TAP_RUN - $* # SKIP $why"; }
tap_note() { sed 's/^/# /'; }

# tap_check NAME COMMAND... : one test; the command's words are shown when it fails.
tap_check() {
	local name=$1 words
	shift
	if words=$("$@" 2>&1 </dev/null); then
		tap_ok "$name"
	else
		tap_not_ok "$name"
		say "$words" | tail -60 | tap_note
		return 1
	fi
}

# tap_finds NAME PATTERN COMMAND... : one test, passed when the command fails and says PATTERN: it has
# noticed a planted fault, and not merely stumbled over something else.
tap_finds() {
	local name=$1 pattern=$2 words
	shift 2
	if words=$("$@" 2>&1 </dev/null); then
		tap_not_ok "$name: the fault was let pass"
	elif grep -qE -- "$pattern" <<<"$words"; then
		tap_ok "$name"
		return 0
	else
		tap_not_ok "$name: failed, but without saying $pattern"
	fi
	say "$words" | tail -20 | tap_note
	return 1
}

tap_done() {
	say "1..$TAP_RUN"
	exit $((TAP_FAILED > 0))
}

# run_program LIMIT LABEL COMMAND... : a test program under a limit of seconds. Its own output stands
# behind "# ", then one line with its count; one that dies, hangs or counts nothing has failed.
run_program() {
	local limit=$(($1 * PATIENCE)) label=$2 out counts rc
	shift 2
	out=$(mktemp)
	timeout -k 5 "$limit" "$@" </dev/null >"$out" 2>&1
	rc=$?
	counts=$(awk -f "$TOP/scripts/tally.awk" "$out" 2>"$out.why")
	read -r passed failed skipped <<<"$counts"
	if [ $rc -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
		case $rc in
		124 | 137) say "stopped after $limit s" ;;
		*) say "ended with status $rc" ;;
		esac >>"$out.why"
	fi
	say "# $label"
	if [ "$failed" -gt 0 ]; then
		tail -c 20000 "$out" | tap_note
		sed "s|^|# $label: |" "$out.why"
	fi
	rm -f "$out" "$out.why"
	say "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
}

# run_programs TREE DIRECTORY LIMIT [all|asan|tsan] : every test program of tests/DIRECTORY, behind $RUNNER.
run_programs() {
	local tree=$1 directory=$2 limit=$3 program programs bad=0
	programs=$(tests_of "$tree" "$directory" "${4:-all}") || return 1
	if [ -z "$programs" ] && [ -z "${4:-}" ]; then
		say "# skipped: tests/$directory has no programs here"
		say "0 passed, 0 failed, 1 skipped"
	fi
	for program in $programs; do
		run_program "$limit" "$directory/$program" ${RUNNER:-} "$tree/tests/$directory/$program" || bad=1
	done
	return $bad
}
