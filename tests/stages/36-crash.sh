#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do survivors go on when participants are killed?
# timeout: 480
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" crash 240
