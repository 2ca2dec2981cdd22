#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the threaded tests pass under ThreadSanitizer, and would it notice a race?
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

export TSAN_OPTIONS=halt_on_error=1:exitcode=99
# clang: gcc's warns of every stand-alone fence, because it cannot see them.
tap_check 'configures with clang and --enable-tsan' \
	configure_tree "$TSAN_TREE" --enable-tsan --enable-werror --disable-shared --disable-bench CC=clang CXX=clang++ CFLAGS="-g -O1" CXXFLAGS="-g -O1" &&
	tap_check 'builds with --enable-tsan' build_tests "$TSAN_TREE"

# Its shadow memory does not fit everywhere that address randomization may put a program.
setarch "$(uname -m)" -R true 2>/dev/null && STEADY="setarch $(uname -m) -R"
tap_check 'runs at all' ${STEADY:-} "$TSAN_TREE/tests/smoke/smoke"
tap_finds 'a planted race is noticed' 'WARNING: ThreadSanitizer: data race' ${STEADY:-} "$TSAN_TREE/tests/smoke/planted" race
threads=$TSAN_TREE/tests/stress/mpmc_threads_planted
tap_finds 'an mpmc slot handed over by a relaxed store is noticed' 'data race' ${STEADY:-} "$threads" R2
tap_finds 'an mpmc slot looked at by a relaxed load is noticed' 'data race' ${STEADY:-} "$threads" A1
spsc=$TSAN_TREE/tests/stress/spsc_threads_planted
for fault in R1 A1 R2 A2; do
	tap_finds "an spsc ring with $fault relaxed is noticed" 'data race' ${STEADY:-} "$spsc" $fault
done
for directory in smoke unit model stress crash; do
	RUNNER=${STEADY:-} run_programs "$TSAN_TREE" $directory 120 tsan
done
tap_done
