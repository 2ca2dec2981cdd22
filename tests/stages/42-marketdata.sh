#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the market-data example find in captures, good and bad ones, what is in them?
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" marketdata 120
