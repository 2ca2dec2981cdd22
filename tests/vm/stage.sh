#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# For the stages of scripts/check.sh that use the virtual machine. To be sourced after tap.sh.
. "$TOP/tests/vm/lib.sh"

# vm_lacks KERNEL : says what this machine lacks to boot that kernel, or nothing.
vm_lacks() {
	local program

	for program in qemu-system-x86_64 busybox cpio; do
		command -v "$program" >/dev/null && continue
		say "$program is not installed; run: apt-get install qemu-system-x86 busybox-static cpio"
		return
	done
	if [ "$1" = debug ]; then
		"$VM_DIR/debug-kernel" --cached >/dev/null || say "the debug kernel is not built; run: tests/vm/debug-kernel"
	else
		fetch_refusal "$1"
	fi
}

# vm_run --kernel KERNEL ARGUMENT... : tests/vm/run, its tests behind "# " and its own count last.
vm_run() {
	local log rc=0 lacks

	lacks=$(vm_lacks "$2")
	if [ -n "$lacks" ]; then
		say "# skipped: $lacks"
		say "0 passed, 0 failed, 1 skipped"
		return 0
	fi
	log=$(mktemp)
	"$VM_DIR/run" "$@" </dev/null >"$log" 2>&1 || rc=1
	head -n -1 "$log" | sed 's/^/# /'
	tail -n 1 "$log"
	rm -f "$log"
	return $rc
}
