#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the telemetry example read /proc right, and show what it read?
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

run_programs "$TREE" telemetry 60
