#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the library export what its symbol map lists, what its headers declare, and nothing else?
# timeout: 60
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

exported() { nm -D --defined-only "$TREE/ringshm/.libs/libringshm.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort; }
mapped() { grep -oE '\bringshm_[a-z0-9_]+;' "$TOP/ringshm/libringshm.map" | tr -d ';' | sort; }
# Functions that public headers declare without a body, as the compiler sees them.
declared() {
	public_headers "$TREE" | sed 's/.*/#include <&>/' |
		gcc -std=gnu11 -I"$TOP/include" -xc -fsyntax-only -aux-info /dev/stdout - |
		grep -E '/include/ringshm/' | grep -E ' extern ' | grep -oE '\bringshm_[a-z0-9_]+ \(' | tr -d ' (' | sort -u
}

tap_check 'what is exported is what the map lists' diff <(exported) <(mapped)
tap_check 'the map is sorted' diff <(grep -oE '\bringshm_[a-z0-9_]+;' "$TOP/ringshm/libringshm.map") <(mapped | sed 's/$/;/')
tap_check 'every exported function is declared in a public header' diff <(comm -23 <(exported) <(declared)) /dev/null
tap_check 'every declared function is exported' diff <(comm -13 <(exported) <(declared)) /dev/null
tap_finds 'a function that is missing is noticed' '< ringshm_planted' diff <(exported; say ringshm_planted) <(mapped)
tap_done
