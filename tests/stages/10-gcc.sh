#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does everything build with gcc, without a warning?
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

tap_check 'configures with gcc' configure_tree "$TREE" --enable-werror CC=gcc CXX=g++ &&
	tap_check 'builds with gcc, warnings being errors' build_tests "$TREE"
tap_done
