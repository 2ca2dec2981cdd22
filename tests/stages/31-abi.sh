#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the layout of shared memory stand as it was fixed?
# timeout: 120
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" abi 60
