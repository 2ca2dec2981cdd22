#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the tests pass under AddressSanitizer and UndefinedBehaviorSanitizer, and would these notice?
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1
tap_check 'configures with gcc and --enable-asan' \
	configure_tree "$ASAN_TREE" --enable-asan --enable-werror --disable-shared --disable-bench CC=gcc CXX=g++ CFLAGS="-g -O1" CXXFLAGS="-g -O1" &&
	tap_check 'builds with --enable-asan' build_tests "$ASAN_TREE"
planted=$ASAN_TREE/tests/smoke/planted
tap_finds 'a planted overflow is noticed' 'signed integer overflow' "$planted" overflow
tap_finds 'a planted use after free is noticed' 'heap-use-after-free' "$planted" late
tap_finds 'a planted leak is noticed' 'detected memory leaks' "$planted" leak
leaks=$TOP/tests/leaks.sh
tap_finds 'a leak in a child that its parent does not mind is noticed' 'detected memory leaks' \
	"$leaks" bash -c '"$1" leak; exit 0' - "$planted"
RUNNER=$leaks run_programs "$ASAN_TREE" unit 120 asan
for directory in smoke abi memory model stress crash telemetry marketdata; do
	run_programs "$ASAN_TREE" $directory 120 asan
done
tap_done
