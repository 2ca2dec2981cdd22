#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Formats C and C++ files as .clang-format says; with --check only names those that are not, and fails.
# Usage: scripts/format.sh [--check] [FILE...]: all that git knows, unless files are given. Kernel code
# is left out of these: it has the kernel's own checkpatch.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

check=no
[ "${1:-}" = --check ] && { check=yes; shift; }
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(git -C "$TOP" ls-files -co --exclude-standard -- '*.c' '*.h' '*.cc' ':!kmod/' |
	sed "s|^|$TOP/|" | xargs -r ls -d 2>/dev/null)
[ ${#files[@]} -gt 0 ] || exit 0
if [ $check = no ]; then
	clang-format -i "${files[@]}"
	exit
fi
bad=0
for file in "${files[@]}"; do
	clang-format "$file" | cmp -s - "$file" || { say "$file"; bad=1; }
done
[ $bad -eq 0 ] || say "to mend: scripts/format.sh"
exit $bad
