#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does every kind of memory work, refuse clearly, and leave nothing behind?
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" memory 120
