#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the ringshm command do what it says?
# timeout: 420
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

export TREE
bad=0
for script in "$TOP"/tests/tools/test_*.sh; do
	run_program 120 "tools/$(basename "$script")" bash "$script" || bad=1
done
exit $bad
