#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Are the sources formatted, licensed, and free of what belongs to one machine or to an unfinished day?
# timeout: 120
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# Each takes files and names those at fault.
without_licence() {
	local file bad=0
	for file in "$@"; do
		head -2 "$file" | grep -q 'SPDX-License-Identifier: ' || { say "$file: no SPDX line at its head"; bad=1; }
	done
	return $bad
}
from_a_machine() { ! grep -nE '(^|[^A-Za-z0-9_.$}"-])/(work|root|home)/' "$@"; }
unfinished() { ! grep -nwE 'TODO|FIXME|XXX|HACK' "$@"; }
# Relative links of Markdown files that lead nowhere.
dead_links() {
	local file link bad=0
	for file in "$@"; do
		for link in $(grep -oE '\]\([^)# ]+' "$file" | sed 's/^](//' | grep -vE '^[a-z]+:'); do
			[ -e "$(dirname "$file")/$link" ] || { say "$file: $link is not there"; bad=1; }
		done
	done
	return $bad
}
shell_faults() { shellcheck -x -P "$TOP/scripts" -S warning -e SC2034 "$@"; }

# faulty NAME TEXT PATTERN COMMAND... : the command must find PATTERN in a planted file of that text.
faulty() {
	local name=$1 pattern=$3
	printf '%s\n' "$2" >"$WORK/planted.c"
	shift 3
	tap_finds "$name" "$pattern" "$@" "$WORK/planted.c"
}

cd "$TOP" || exit 1
if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	tap_skip 'this is no git tree, and only git knows which files are sources' 'style of the sources'
	tap_done
fi
mapfile -t all < <(git ls-files | xargs -r ls -d 2>/dev/null)
mapfile -t code < <(printf '%s\n' "${all[@]}" | grep -E '\.(c|h|cc|S)$')
mapfile -t licensed < <(printf '%s\n' "${all[@]}" | grep -E '\.(c|h|cc|S|sh|awk|am|ac|m4|mk|in|map)$|^\.ci/run$')
mapfile -t shell < <(printf '%s\n' "${all[@]}" | grep -E '\.sh$|^\.ci/run$')

cp .clang-format "$WORK"
tap_check 'every C and C++ file is formatted' scripts/format.sh --check
faulty 'a planted misformatted file is noticed' 'int  f( void );' 'planted.c' scripts/format.sh --check
tap_check 'every source says its licence' without_licence "${licensed[@]}"
faulty 'a planted file without a licence is noticed' 'int f(void);' 'no SPDX line' without_licence
tap_check 'no path of a machine stands in the tree' from_a_machine "${all[@]}"
faulty 'a planted path is noticed' "see /$(say home)/me/notes" 'me/notes' from_a_machine
tap_check 'nothing is marked as unfinished' unfinished "${code[@]}"
faulty 'a planted mark is noticed' "/* TO$(say DO) */" 'planted|TO' unfinished
mapfile -t documents < <(printf '%s\n' "${all[@]}" | grep -E '\.md$')
# Test programs about rings that a list of suites does not have: each runs on memory of the module, or says why not.
unlisted() {
	local directory program bad=0
	for directory in unit model stress crash; do
		while read -r program; do
			grep -qE "^(- )?$directory/$program(:| |\$)" "$1" && continue
			say "$directory/$program is not in tests/vm/suites"
			bad=1
		done < <(sed -n 's/^check_PROGRAMS += //p' "$TOP/tests/$directory/Makefile.am" | grep -v '_planted$')
	done
	return $bad
}

tap_check 'every suite of the library is to run on memory of the module, or says why not' unlisted "$TOP/tests/vm/suites"
grep -v test_spsc "$TOP/tests/vm/suites" >"$WORK/suites"
tap_finds 'a suite that was forgotten there is noticed' 'unit/test_spsc is not in' unlisted "$WORK/suites"
tap_check 'every link in the documents leads somewhere' dead_links "${documents[@]}"
faulty 'a planted dead link is noticed' 'see [this](planted/nowhere.md)' 'nowhere.md is not there' dead_links
tap_check 'shellcheck finds nothing in the scripts' shell_faults "${shell[@]}"
faulty 'a planted shell fault is noticed' '#!/bin/sh
cd $1/$unset; rm *' 'SC2' shell_faults
tap_done
