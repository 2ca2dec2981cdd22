#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the kernel module build on both kernels with both compilers, clean for sparse and checkpatch?
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"
. "$TOP/tests/vm/lib.sh"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# compile DIRECTORY KERNEL ARGUMENT... : all modules of that copy of the sources; a warning in them fails.
compile() {
	local directory=$WORK/$1 root
	root=$("$VM_DIR/fetch" "$2") || return 1
	shift 2
	make -j"$JOBS" -C "$directory/kmod" RINGSHM_TESTS=1 KDIR="$(echo "$root"/usr/src/linux-headers-*-cloud-amd64)" "$@" >"$directory/log" 2>&1 ||
		{ tail -30 "$directory/log"; return 1; }
	! grep -E "$directory/.*(warning|error):" "$directory/log"
}

build() {
	copy_sources "$WORK/$1"
	compile "$@"
}

checkpatch() {
	local tree
	tree=$("$VM_DIR/fetch" checkpatch) || return 1
	perl "$tree/scripts/checkpatch.pl" --no-tree --terse --show-types -f "$@" | tee "$WORK/checkpatch"
	! grep -E ': ERROR:' "$WORK/checkpatch"
}

for kernel in 6.1 6.12; do
	refusal=$(fetch_refusal "$kernel")
	if [ -n "$refusal" ]; then
		tap_skip "$refusal" "the modules build against $kernel"
		continue
	fi
	tap_check "the modules build against $kernel with gcc" build "gcc-$kernel" "$kernel"
	tap_check "the modules build against $kernel with clang" \
		build "clang-$kernel" "$kernel" CC="$VM_DIR/clang-cc" CONFIG_OBJTOOL=
	tap_check "sparse finds nothing in them against $kernel" build "sparse-$kernel" "$kernel" C=2
done

checkpatch_checks() {
	local sources refusal
	refusal=$(fetch_refusal checkpatch)
	[ -z "$refusal" ] || { tap_skip "$refusal" 'checkpatch finds no error in them'; return; }
	mapfile -t sources < <(find "$TOP/kmod" -name '*.[ch]' ! -name '*.mod.c'; echo "$TOP/include/ringshm/kmod.h")
	tap_check 'checkpatch finds no error in them' checkpatch "${sources[@]}"
	printf '// SPDX-License-Identifier: GPL-2.0-only\nint f(void){return 1;}\n' >"$WORK/planted.c"
	tap_finds 'checkpatch notices a planted error' 'ERROR' checkpatch "$WORK/planted.c"
}
checkpatch_checks

described() {
	local module=$WORK/gcc-6.1/kmod/ringshm.ko name
	for name in $(sed -nE 's/^module_param\(([a-z_]+).*/\1/p' "$TOP"/kmod/*.c); do
		modinfo -F parm "$module" | grep -q "^$name:" || { say "modinfo does not describe $name"; return 1; }
		grep -q "$name" "$TOP/docs/man/ringshm-kmod.4" || { say "ringshm-kmod(4) does not tell of $name"; return 1; }
	done
}
if [ -d "$WORK/sparse-6.1" ]; then
	printf 'int ringshm_planted;\n' >>"$WORK/sparse-6.1/kmod/wake.c"
	tap_finds 'sparse notices a planted global' 'ringshm_planted' compile sparse-6.1 6.1 C=2
	tap_check 'every module parameter is described in modinfo and in the manual page' described
fi
tap_done
