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

# fetch_refusal WHAT : why tests/vm/fetch cannot bring that, or nothing.
fetch_refusal() {
	local why

	why=$("$VM_DIR/fetch" "$1" 2>&1 >/dev/null) || echo "${why##*$'\n'}"
}

# copy_sources DIRECTORY : what Kbuild needs, without what an earlier build left. By content, not by time, for the
# copy may be of another tree: what differs becomes new, so make builds it, and the rest stays built.
copy_sources() {
	local file

	(cd "$TOP_DIR" && find kmod include configure.ac \( -name '*.[ch]' ! -name '*.mod.c' -o -name Kbuild -o \
		-name Makefile -o -name configure.ac \)) | while read -r file; do # configure.ac holds the version
		cmp -s "$TOP_DIR/$file" "$1/$file" || install -D -m 644 "$TOP_DIR/$file" "$1/$file"
	done
}
