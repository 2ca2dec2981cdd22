#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sourced by the scripts of tests/vm: places, messages, locking.

VM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP_DIR=$(cd "$VM_DIR/../.." && pwd)
CACHE=${RINGSHM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringshm}

tell() {
	echo "tests/vm: $*" >&2
}

die() {
	tell "$*"
	exit 1
}

need() {
	local program=$1 package=$2

	command -v "$program" >/dev/null ||
		die "$program is missing; run: apt-get install $package"
}

# copy_sources DIRECTORY : what Kbuild needs, without what an earlier build left; old copies stay if equal.
copy_sources() {
	mkdir -p "$1"
	(cd "$TOP_DIR" && find kmod include \( -name '*.[ch]' ! -name '*.mod.c' -o -name Kbuild -o -name Makefile \) -print0 |
		cpio -0pdm --quiet "$(cd "$1" && pwd)" 2>/dev/null)
	cp "$TOP_DIR/configure.ac" "$1/" # holds the version
}
