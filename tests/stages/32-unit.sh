#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the unit tests pass?
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" unit 120
