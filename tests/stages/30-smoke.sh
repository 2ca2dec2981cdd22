#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the quick tests pass?
# timeout: 120
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" smoke 60
