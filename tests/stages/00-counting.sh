#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the check count right, and does it notice tests that fail, die, hang or count nothing?
# timeout: 60
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

# counts TEXT WANTED NAME : what the tally makes of some output.
counts() {
	local got
	got=$(printf "$1" | awk -f "$TOP/scripts/tally.awk" 2>/dev/null)
	if [ "$got" = "$2" ]; then
		tap_ok "$3"
	else
		tap_not_ok "$3"
		say "# wanted $2, got $got"
	fi
}

counts 'ok 1 - a\nok 2 - b\n1..2\n' '2 0 0' 'TAP that passes'
counts '1..3\nok 1\nnot ok 2 - b\nok 3 # SKIP no\n' '1 1 1' 'TAP with a failure and a skip'
counts '1..3\nok 1\nok 2\n' '2 1 0' 'TAP that stops before its plan is done'
counts 'ok 1\n' '1 1 0' 'TAP without a plan'
counts '1..0 # SKIP none\n' '0 0 1' 'TAP that skips everything'
counts '1..2\nok 1\nBail out! no memory\n' '1 2 0' 'TAP that bails out'
counts '[\033[0;34m====\033[0m] \033[0;1mSynthesis: Tested: \033[0;34m7\033[0m | Passing: \033[0;32m4\033[0m | Failing: \033[0;31m2\033[0m | Crashing: \033[0;31m1\033[0m \033[0m\n' \
	'4 3 0' "Criterion's summary in colour"
counts '12 passed, 3 failed, 4 skipped\n' '12 3 4' 'a plain count'
counts '5 passed, 0 failed\n1..1\nok 1\n' '6 0 0' 'a plain count beside TAP'
counts 'all fine\n' '0 1 0' 'no count at all'
counts '' '0 1 0' 'no output at all'

# fails NAME COMMAND... : run_program must call this a failure, in its count and in its status.
fails() {
	local name=$1 out
	shift
	if out=$(run_program 1 planted "$@") || ! say "$out" | grep -qE '^[0-9]+ passed, [1-9][0-9]* failed'; then
		tap_not_ok "$name"
		say "$out" | tap_note
	else
		tap_ok "$name"
	fi
}

fails 'a program that fails one test' sh -c 'echo 1..1; echo not ok 1'
fails 'a program that passes its tests and then dies' sh -c 'echo 1..1; echo ok 1; kill -SEGV $$'
fails 'a program that hangs' sh -c 'echo 1..1; echo ok 1; exec sleep 5'
fails 'a program that does not exist' /nonexistent
tap_check 'a program that passes' run_program 5 planted sh -c 'echo 1..1; echo ok 1'
tap_done
