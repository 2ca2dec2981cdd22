# SPDX-License-Identifier: MIT
# Counts the tests in what test programs print: TAP, Criterion, or "N passed, N failed[, N skipped]".
# Prints "PASSED FAILED SKIPPED"; failed names and what is wrong with the stream go to standard error.

function complain(what) { print what > "/dev/stderr" }

# A point of TAP.  "not ok ... # TODO" is expected to fail and counts as skipped.
function point(good, line) {
	points++
	if (toupper(line) ~ /# *(SKIP|TODO)/ && (good || toupper(line) ~ /# *TODO/))
		skipped++
	else if (good)
		passed++
	else {
		failed++
		complain(line)
	}
}

{
	gsub(/\033\[[0-9;]*m/, "")
	sub(/\r$/, "")
}

/^ok([ \t]|$)/ { point(1, $0); next }
/^not ok([ \t]|$)/ { point(0, $0); next }
/^1\.\.[0-9]+/ {
	plans++
	n = substr($1, 4) + 0
	planned += n
	if (n == 0) # a whole program skipped
		skipped++
	next
}
/^Bail out!/ { failed++; complain($0); next }

# [====] Synthesis: Tested: 5 | Passing: 4 | Failing: 1 | Crashing: 0
/^\[====\] Synthesis:/ {
	for (i = 1; i < NF; i++) {
		if ($i == "Passing:") passed += $(i + 1)
		if ($i == "Failing:" || $i == "Crashing:") failed += $(i + 1)
		if ($i == "Failing:" && $(i + 1) > 0 || $i == "Crashing:" && $(i + 1) > 0) complain($0)
	}
	counted = 1
	next
}
/^\[(FAIL|----)\]/ && /FAIL|CRASH|Assertion|Unexpected/ { complain($0); next }

/^([A-Za-z_-]+: )?[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
	sub(/^[A-Za-z_-]+: /, "")
	passed += $1
	failed += $3
	skipped += (NF > 4 ? $5 : 0)
	if ($3 > 0) complain($0)
	counted = 1
	next
}

END {
	if (points != planned) { # died in the middle, or forgot its plan
		failed++
		complain("a program planned " planned + 0 " tests and ran " points + 0)
	}
	if (!points && !plans && !counted) {
		failed++
		complain("printed no count of tests")
	}
	print passed + 0, failed + 0, skipped + 0
}
