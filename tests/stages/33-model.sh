#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the rings do what their reference models do?
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" model 120
