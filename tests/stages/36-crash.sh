#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do survivors go on when participants are killed, and would these tests notice if they did not?
# timeout: 480
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" crash 240
bad=$?
planted=$TREE/tests/crash/takeover_planted
tap_finds 'a consumer that forgets to store its progress is noticed' '^not ok' "$planted" R4
tap_finds 'a header that is not cleared before its record appears is noticed' '^not ok' "$planted" unzeroed
tap_finds 'the same is noticed by killing behind every instruction' '^not ok' "$TREE/tests/crash/spsc_steps_planted" unzeroed
tap_finds 'a token consumer that forgets the same is noticed' '^not ok' "$TREE/tests/crash/token_steps_planted" R4
planted=$TREE/tests/crash/mpmc_steps_planted
export RINGSHM_CRASH_SHARE=300
tap_finds 'a claim that is anonymous for one instruction is noticed' '^not ok' "$planted" anonymous
tap_finds 'a loss that nobody counts is noticed' '^not ok' "$planted" uncounted
planted=$TREE/tests/crash/mpmc_laps_planted
tap_finds 'a repairer that does not see that laps have gone by is noticed' '^not ok' "$planted" blind
tap_finds 'a cursor whose laps come again is noticed' '^not ok' "$planted" narrow
tap_finds 'a verdict that forgets how many have died is noticed' '^not ok' "$TREE/tests/crash/mpmc_chains_laps_planted" forgetful
tap_finds 'the anonymous claim is noticed by killing processes behind their instructions' '^not ok' "$TREE/tests/crash/mpmc_processes_planted" anonymous
tap_finds 'it is noticed by killing at random' '^not ok' "$TREE/tests/crash/mpmc_torture_planted" anonymous
TAP_FAILED=$((TAP_FAILED + bad))
tap_done
