#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does every message arrive, whole and in order, between processes?
# timeout: 480
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" stress 240
