#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does DKMS build what is installed for it, and is everything installed that the module needs?
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"
. "$TOP/tests/vm/lib.sh"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
VERSION=$(sed -n 's/^AC_INIT(\[ringshm\], \[\(.*\)\])/\1/p' "$TOP/configure.ac")

# with_dkms SERIES : as Debian would, but in directories of our own.
with_dkms() {
	local root headers abi
	root=$("$VM_DIR/fetch" "$1") || return 1
	headers=$(echo "$root"/usr/src/linux-headers-*-cloud-amd64)
	abi=${headers##*/linux-headers-}
	mkdir -p "$WORK/dkms"
	dkms build "ringshm/$VERSION" -k "$abi" --kernelsourcedir "$headers" \
		--sourcetree "$WORK/root/usr/src" --dkmstree "$WORK/dkms" --installtree "$WORK/modules" || {
		tail -30 "$WORK/dkms/ringshm/$VERSION/build/make.log"
		return 1
	}
	find "$WORK/dkms" -name 'ringshm.ko*' -path "*$abi*" | grep -q .
}

installs() {
	local file
	make -s -C "$TOP/kmod" install-dkms DESTDIR="$WORK/root" || return 1
	for file in lib/udev/rules.d/60-ringshm.rules lib/sysusers.d/ringshm.conf lib/modules-load.d/ringshm.conf \
		include/ringshm/kmod.h "src/ringshm-$VERSION/dkms.conf" "src/ringshm-$VERSION/include/ringshm/spsc.h"; do
		[ -s "$WORK/root/usr/$file" ] || { say "/usr/$file is missing"; return 1; }
	done
}

# The modules themselves, with what an earlier stage built or anew.
installs_modules() {
	local root
	root=$("$VM_DIR/fetch" 6.1) || return 1
	copy_sources "$WORK/tree" && cp "$TOP"/kmod/*.rules "$TOP"/kmod/*.conf "$WORK/tree/kmod/" || return 1
	make -C "$WORK/tree/kmod" KDIR="$(echo "$root"/usr/src/linux-headers-*-cloud-amd64)" DESTDIR="$WORK/made" modules install ||
		return 1
	find "$WORK/made/lib/modules" -name ringshm.ko | grep -q .
}

tap_check 'make -C kmod install-dkms installs all there is' installs
tap_check 'DKMS builds the modules against 6.1' with_dkms 6.1
tap_check 'DKMS builds the modules against 6.12' with_dkms 6.12
tap_check 'make -C kmod install installs modules and all' installs_modules
rm "$WORK/root/usr/src/ringshm-$VERSION/wake.c"
rm -rf "$WORK/dkms"
tap_finds 'DKMS notices a source that was not installed' 'wake' with_dkms 6.1
tap_done
