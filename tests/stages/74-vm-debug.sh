#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do KASAN, lockdep, kmemleak and fault injection find anything? Only where the debug kernel is built
# already (tests/vm/debug-kernel): building it takes longer than all the rest.
# timeout: 900
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"
. "$TOP/tests/vm/stage.sh"

vm_run --kernel debug --nodes 1
