#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs every test: installs what is missing, builds with two compilers and two sanitizers, runs the
# stages in tests/stages/ and adds up what they count. Usage: scripts/check.sh [WORD...]: only the
# stages whose names contain one of the words.
#
# A stage is a program NN-name.sh that prints TAP, Criterion's summary or "N passed, N failed"; it has
# "# timeout: SECONDS" in its head, for a quiet machine: it gets RINGSHM_CHECK_PATIENCE (3) times that. One
# that dies, hangs, counts nothing or leaves channels behind has failed. Its output is kept in build-check/.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

LOGS=$TOP/build-check # not in build/, which a change of options makes anew
PASSED=0 FAILED=0 SKIPPED=0 STAGE=

wanted() {
	local word
	[ $# -gt 1 ] || return 0
	for word in "${@:2}"; do
		case $1 in *"$word"*) return 0 ;; esac
	done
	return 1
}

# Channels of the tests stand apart from those of the machine's users.
leftovers() { find "$RINGSHM_DIR" -mindepth 1 -maxdepth 1 -printf '%f ' 2>/dev/null; }

# run_stage FILE : runs it under its limit and adds its count to the totals.
run_stage() {
	local file=$1 name log limit began rc passed failed skipped left
	name=$(basename "$file" .sh)
	log=$LOGS/$name.log
	limit=$(sed -n 's/^# timeout: *\([0-9]*\).*/\1/p' "$file" | head -1)
	limit=$((${limit:-120} * PATIENCE))
	began=$SECONDS
	timeout -k 10 "$limit" bash "$file" </dev/null >"$log" 2>&1 &
	STAGE=$!
	wait $STAGE
	rc=$?
	read -r passed failed skipped < <(awk -f "$TOP/scripts/tally.awk" "$log" 2>"$log.why")
	left=$(leftovers)
	case $rc in
	0) ;;
	124 | 137) failed=$((failed + 1)); say "stopped after $limit s" >>"$log.why" ;;
	*) [ "$failed" -gt 0 ] || { failed=1; say "ended with status $rc" >>"$log.why"; } ;;
	esac
	if [ -n "$left" ]; then
		failed=$((failed + 1))
		say "left channels behind: $left" >>"$log.why"
		rm -rf "${RINGSHM_DIR:?}"/*
	fi
	PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) SKIPPED=$((SKIPPED + skipped))
	printf '%-4s %-22s %5d passed %3d failed %3d skipped %5d s\n' \
		"$([ "$failed" -eq 0 ] && say ok || say BAD)" "$name" "$passed" "$failed" "$skipped" $((SECONDS - began))
	grep -iE '^ok .*# *skip|^# skipped:' "$log" | sed 's/^/     /' | head -20
	[ "$failed" -eq 0 ] && return
	head -40 "$log.why" | sed 's/^/     why: /'
	tail -40 "$log" | sed 's/^/     | /'
	say "     all of it: $log"
}

main() {
	local file
	install_packages build test bench
	mkdir -p "$LOGS" || die "cannot write $LOGS"
	RINGSHM_DIR=$(mktemp -d /dev/shm/ringshm-check.XXXXXX) || die "no room for channels in /dev/shm"
	chmod 1777 "$RINGSHM_DIR" # as the usual place is: tests of permissions act as other users
	export RINGSHM_DIR
	trap 'rm -rf "$RINGSHM_DIR"' EXIT
	# timeout puts a stage into a process group of its own, which ^C at the terminal does not reach.
	trap 'kill $STAGE; exit 130' INT TERM
	for file in "$TOP"/tests/stages/[0-9][0-9]-*.sh; do
		wanted "$(basename "$file" .sh)" "$@" && run_stage "$file"
	done
	say
	say "check took $SECONDS s"
	if [ "$SKIPPED" -gt 0 ]; then
		say "$PASSED passed, $FAILED failed, $SKIPPED skipped"
	else
		say "$PASSED passed, $FAILED failed"
	fi
	[ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
}

main "$@"
