#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Formats every C and C++ file that git knows, as .clang-format says; with --check only names those
# that are not, and fails. Kernel code is left to the kernel's own checkpatch.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$TOP" || exit 1
mapfile -t files < <(git ls-files -co --exclude-standard -- '*.c' '*.h' '*.cc' ':!kmod/' | xargs -r ls -d 2>/dev/null)
[ ${#files[@]} -gt 0 ] || exit 0
case ${1:-} in
'') clang-format -i "${files[@]}" ;;
--check)
	bad=0
	for file in "${files[@]}"; do
		clang-format "$file" | cmp -s - "$file" || { say "$file"; bad=1; }
	done
	[ $bad -eq 0 ] || say "to mend: scripts/format.sh"
	exit $bad
	;;
*) die "usage: scripts/format.sh [--check]" ;;
esac
