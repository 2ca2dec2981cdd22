#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the kernel module do what it promises on Linux 6.12, on a machine with one node?
# timeout: 420
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"
. "$TOP/tests/vm/stage.sh"

vm_run --kernel 6.12 --nodes 1 --suites
