#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the rings do what their reference models do?
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" model 120
bad=$?
planted=$TREE/tests/model/spsc_planted
tap_check 'the model test passes over atomics of its own' "$planted" none
tap_finds 'a header that is not cleared before its record appears is noticed' '^not ok' "$planted" unzeroed
tap_finds 'room given back before its release is noticed' '^not ok' "$planted" generous
planted=$TREE/tests/model/token_planted
tap_check 'the same for token' "$planted" none
tap_finds 'a slot that is not emptied is noticed' '^not ok' "$planted" kept
tap_finds "a consumer's progress that is not stored is noticed" '^not ok' "$planted" R4
# Every labelled access, made relaxed: some run over weak memory must go wrong.
weak=$TREE/tests/model/weak
for label in $("$weak" --list); do
	tap_finds "$label made relaxed is noticed" '^not ok' timeout 60 "$weak" "$label"
done
# And every place with such an access, alone, but for those that are not needed.
run_program 120 'every place made relaxed' "$weak" --places || bad=1
TAP_FAILED=$((TAP_FAILED + bad))
tap_done
