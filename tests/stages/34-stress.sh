#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does every message arrive, whole and in order, between processes?
# timeout: 480
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" stress 240
bad=$?
history=$TREE/tests/stress/mpmc_history_planted
tap_finds 'a claim that is anonymous for a while is noticed in a history' '^not ok' "$history" anonymous
tap_finds 'a consumer that takes what it has not claimed is noticed in a history' '^not ok' "$history" shared
tap_finds 'a message that is not seen is noticed in a history' 'wrongly empty' "$history" idle
tap_finds 'messages that change places are noticed in a history' 'disordered' "$history" reversed
tap_finds 'a consumer that reads a checked length again is noticed' '^not ok' "$TREE/tests/stress/spsc_scribbled" trusting
if chrt -f 1 true 2>/dev/null; then
	tap_finds 'real-time processes that never sleep are noticed' '^not ok' "$TREE/tests/stress/mpmc_crowd" yield
else
	tap_skip 'no right to start real-time processes' 'real-time processes that never sleep are noticed'
fi
TAP_FAILED=$((TAP_FAILED + bad))
tap_done
