#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does every public header compile alone, in every dialect, with both compilers, also for 32 bits?
# timeout: 180
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

# No -Wshadow: g++ objects to a function that is called as a structure, as stat() is.
WARNINGS='-Wall -Wextra -Wundef -Wpointer-arith -Wconversion -Wsign-conversion -Werror'
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# alone HEADER COMPILER ARGUMENT... : the header by itself, included twice, every inline emitted.
alone() {
	local header=$1 source=$WORK/alone.${3#-x}
	shift
	printf '#include <ringshm/%s>\n#include <ringshm/%s>\nint ringshm_alone(void);\nint ringshm_alone(void) { return 0; }\n' \
		"$header" "$header" >"$source"
	"$1" "${@:3}" $WARNINGS -I"$TOP/include" -I"$WORK" -O1 -c "$source" -o "$WORK/alone.o"
}

dialects() {
	local header=$1
	tap_check "$header: gcc, gnu11" alone "$header" gcc -xc -std=gnu11
	tap_check "$header: gcc, C11 pedantic" alone "$header" gcc -xc -std=c11 -pedantic-errors
	tap_check "$header: g++, C++17 pedantic" alone "$header" g++ -xcc -std=c++17 -pedantic-errors
	tap_check "$header: clang, gnu11" alone "$header" clang -xc -std=gnu11
	tap_check "$header: clang, C11 pedantic" alone "$header" clang -xc -std=c11 -pedantic-errors
	tap_check "$header: clang++, C++17 pedantic" alone "$header" clang++ -xcc -std=c++17 -pedantic-errors
	tap_check "$header: gcc for i686, gnu11" alone "$header" i686-linux-gnu-gcc -xc -std=gnu11
	tap_check "$header: gcc for i686, C11 pedantic" alone "$header" i686-linux-gnu-gcc -xc -std=c11 -pedantic-errors
}

# Those that make install installs, and all of them.
headers=$(public_headers "$TREE")
tap_check 'every public header is installed' diff <(say "$headers" | sort) <(cd "$TOP/include" && find ringshm -name '*.h' | sort)
for header in $headers; do
	dialects "${header#ringshm/}"
done

mkdir "$WORK/ringshm"
say 'static inline uint32_t ringshm_planted(void) { return 0; }' >"$WORK/ringshm/planted.h"
tap_finds 'a header that needs another one included first is noticed' 'unknown type name .uint32_t' alone planted.h gcc -xc -std=gnu11
tap_done
