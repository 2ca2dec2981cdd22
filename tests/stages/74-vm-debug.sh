#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do KASAN, lockdep, kmemleak and fault injection find anything? Only where the debug kernel is built
# already (tests/vm/debug-kernel): building it takes longer than all the rest.
# timeout: 900
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"
. "$TOP/tests/vm/stage.sh"

if "$TOP/tests/vm/debug-kernel" --cached >/dev/null; then
	vm_run --kernel debug --nodes 1
else
	say "# skipped: the debug kernel is not built; run: tests/vm/debug-kernel"
	say "0 passed, 0 failed, 1 skipped"
fi
