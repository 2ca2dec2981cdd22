#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What documents quote from the sources: is it there? To be sourced by a stage.

# quoted FILE : the error texts of the guide's table, one a line.
quoted() {
	awk '/^\| text \|/ { on = 1; next } !/^\|/ { on = 0 }
		on && match($0, /^\| `[^`]+` \|/) { print substr($0, 4, RLENGTH - 6) }' "$1"
}

# unsaid FILE : those that no function of the library says; fails when there are any.
unsaid() {
	local text bad=0
	while IFS= read -r text; do
		grep -qF -- "$text" "$TOP"/ringshm/*.c || { say "nothing says '$text'"; bad=1; }
	done < <(quoted "$1")
	return $bad
}

# unknown FILE... : names like ringshm_... and RINGSHM_... that no header and no source has.
unknown() {
	local name bad=0
	for name in $(sed '/^\.TH /d' "$@" | grep -oE '\b(ringshm|RINGSHM)_[A-Za-z0-9_]+' | sed 's/_*$//' | sort -u); do
		grep -qrwF -- "$name" "$TOP"/include "$TOP"/ringshm "$TOP"/kmod "$TOP"/m4 "$TOP"/tools "$TOP"/scripts "$TOP"/tests/model "$TOP"/tests/vm ||
			grep -qrE -- "\b${name}_" "$TOP"/include || { say "nothing is called $name"; bad=1; }
	done
	return $bad
}
