#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The examples of the manual pages: are they programs? To be sourced by a stage.

# example_of PAGE : the C program between .EX and .EE under "EXAMPLES", as man would show it.
example_of() {
	sed -n '/^\.SH EXAMPLES/,/^\.SH [^E]/p' "$1" | sed -n '/^\.EX/,/^\.EE/p' |
		sed -e '/^\.E[XE]/d' -e 's/\\e/\\/g' -e 's/\\-/-/g' -e 's/\\&//g' -e "s/\\\\(aq/'/g" -e 's/\\(dq/"/g'
}

# compiles PAGE : its example does, without a warning, and is a whole program.
compiles() {
	local source
	source=$WORK/$(basename "$1").c
	example_of "$1" >"$source"
	grep -q 'int main(' "$source" || { say "$1: no program under EXAMPLES"; return 1; }
	gcc -std=gnu11 -Wall -Wextra -Werror -I"$TOP/include" "$source" -o "${source%.c}" \
		-L"$TREE/ringshm/.libs" -lringshm -Wl,-rpath,"$TREE/ringshm/.libs"
}

# runs PAGE : the compiled example ends well, by itself.
runs() {
	RINGSHM_DIR=$(mktemp -d "${RINGSHM_DIR:-/dev/shm}/man.XXXXXX") timeout 20 bash -c \
		'"$1"; rc=$?; rm -rf "$RINGSHM_DIR"; exit $rc' - "$WORK/$(basename "$1")"
}

# agrees PAGE : its synopsis declares functions as the headers do; the compiler compares the two.
agrees() {
	local source
	source=$WORK/$(basename "$1").synopsis.c
	sed -n '/^\.SH SYNOPSIS/,/^\.fi/p' "$1" | sed -e '/^\./d' -e 's/\\-/-/g' >"$source"
	grep -q ');' "$source" || { say "$1: no prototype under SYNOPSIS"; return 1; }
	gcc -std=gnu11 -Wall -Wextra -Werror -I"$TOP/include" -fsyntax-only "$source"
}

# plain PAGE... : outside examples and synopses no backslash is shown to readers, and no other language's emphasis.
plain() {
	local page bad=0
	for page in "$@"; do
		sed -e '/^\.EX/,/^\.EE/d' -e '/^\.nf/,/^\.fi/d' "$page" | grep -nE '\\e|(^|[ (])_[a-z][a-z_]*_([ .,;:)]|$)|\*\*' && { say "$page"; bad=1; }
	done
	return $bad
}

# undocumented : functions that the library exports and no page of section 3 names.
undocumented() {
	local name bad=0
	for name in $(grep -oE '\bringshm_[a-z0-9_]+;' "$TOP/ringshm/libringshm.map" | tr -d ';'); do
		grep -qhw -- "${name%_as}" "$@" || { say "no page has $name"; bad=1; }
	done
	return $bad
}
