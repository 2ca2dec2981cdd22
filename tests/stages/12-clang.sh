#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does everything build with clang, without a warning, and do the quick tests pass?
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

tap_check 'configures with clang' configure_tree "$CLANG_TREE" --enable-werror --disable-static CC=clang CXX=clang++ &&
	tap_check 'builds with clang, warnings being errors' build_tests "$CLANG_TREE"
run_programs "$CLANG_TREE" smoke 60
run_programs "$CLANG_TREE" unit 120
tap_done
