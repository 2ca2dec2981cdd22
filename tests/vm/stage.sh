#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# For the stages of scripts/check.sh that use the virtual machine. To be sourced after tap.sh.

# vm_run ARGUMENT... : tests/vm/run, its tests behind "# " and its own count last. Emulated processors
# need many minutes, so this is on demand.
vm_run() {
	local log rc=0

	if [ -z "${RINGSHM_CHECK_VM:-}" ]; then
		say "# skipped: takes many minutes; run: RINGSHM_CHECK_VM=1 scripts/check.sh vm"
		say "0 passed, 0 failed, 1 skipped"
		return 0
	fi
	log=$(mktemp)
	"$TOP/tests/vm/run" "$@" </dev/null >"$log" 2>&1 || rc=1
	head -n -1 "$log" | sed 's/^/# /'
	tail -n 1 "$log"
	rm -f "$log"
	return $rc
}
