# SPDX-License-Identifier: MIT
# Sourced by the scripts of tests/vm: places, messages, locking.

VM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP_DIR=$(cd "$VM_DIR/../.." && pwd)
CACHE=${RINGSHM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringshm}

say() {
	echo "tests/vm: $*" >&2
}

die() {
	say "$*"
	exit 1
}

need() {
	local program=$1 package=$2

	command -v "$program" >/dev/null ||
		die "$program is missing; run: apt-get install $package"
}
