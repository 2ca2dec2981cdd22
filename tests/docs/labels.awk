# SPDX-License-Identifier: MIT
# Which atomic accesses are there, by ring, label, order and function? Sources as arguments; accesses that say
# neither a label nor why relaxed suffices go to standard error.

function section_of(file) {
	if (file ~ /(^|\/)spsc(_consumer|_core|_producer)?\.[ch]$|kmod\//) return "spsc"
	if (file ~ /(^|\/)token\.[ch]$/) return "token"
	if (file ~ /(^|\/)mpmc(_core|_producer|_consumer|_repair|_kind)?\.[ch]$/) return "mpmc"
	return "library"
}

# One access of that order: with the next label of its comment, or as a relaxed one with a reason.
function access(order,   label) {
	label = ""
	if (match(labels, /^[ARWF][0-9]+/)) {
		label = substr(labels, 1, RLENGTH)
		# a list names one label an access; its last one serves those that are left
		if (labels ~ /^[ARWF][0-9]+, [ARWF][0-9]/)
			labels = substr(labels, RLENGTH + 3)
	}
	if (order == "relaxed" && said_relaxed && (label == "" || label_order[label] != "relaxed" && !(label == "R0")))
		label = "relaxed"
	if (label == "") {
		printf "%s:%d: %s: %s, without a label or a reason\n", FILENAME, FNR, name, order >"/dev/stderr"
		bad = 1
		return
	}
	print section, label, order, name
}

# How often does the code of this line match?
function times(pattern,   text, n) {
	text = code
	n = gsub(pattern, "", text)
	return n
}

FNR == 1 { section = section_of(FILENAME); name = "?"; pending = ""; function_says = ""; in_comment = 0 }

{
	code = $0
	said = ""
	if (in_comment) {
		said = code
		if (sub(/\*\/.*/, "", said)) in_comment = 0
		code = ""
		sub(/^[ \t]*\*[ \t]*/, "", said)
		pending = pending (pending == "" ? "" : " ") said
		next
	}
	if (match(code, /\/\*.*\*\//)) {
		said = substr(code, RSTART + 2, RLENGTH - 4)
		code = substr(code, 1, RSTART - 1) substr(code, RSTART + RLENGTH)
	} else if (match(code, /\/\*/)) {
		said = substr(code, RSTART + 2)
		code = substr(code, 1, RSTART - 1)
		in_comment = 1
	}
	sub(/^[ \t]+/, "", said)
	if (code ~ /^[ \t]*$/) {
		if (said != "") pending = in_comment ? said : pending (pending == "" ? "" : " ") said
		else if (!in_comment) pending = ""
		next
	}
	if (code ~ /^[a-z]/ && code ~ /\(/ && code !~ /;[ \t]*$/) {
		head = code
		gsub(/__attribute__\(\([^;]*\)\) */, "", head)
		if (match(head, /[a-z_0-9]+\(/)) {
			name = substr(head, RSTART, RLENGTH - 1)
			function_says = pending ~ /^relaxed/ ? pending : ""
			pending = ""
		}
	}
	own = said != "" ? said : pending
	# a label in the line's own comment, else in the one before the statement
	labels = match(said, /^[ARWF][0-9]+/) ? said : pending
	if (labels !~ /^[ARWF][0-9]+/) labels = ""
	said_relaxed = (said " " pending " " function_says) ~ /relaxed/
	n = times("ringshm_load(16)?_acquire\\(|__ATOMIC_ACQUIRE")
	for (i = 0; i < n; i++) access("acquire")
	n = times("ringshm_(store|store16|swap)_release\\(|__ATOMIC_RELEASE")
	for (i = 0; i < n; i++) access("release")
	n = times("__ATOMIC_ACQ_REL")
	for (i = 0; i < n; i++) access("both")
	n = times("ringshm__waiter_announce\\(\\)")
	for (i = 0; i < n; i++) access("barrier")
	n = times("ringshm_(load|store|load16|load32|fetch_add)_relaxed\\(|__ATOMIC_RELAXED")
	for (i = 0; i < n; i++) access("relaxed")
	if (code ~ /\{[ \t]*$/) pending = said
	else if (code ~ /^[ \t]*\}/ || (code ~ /;[ \t]*$/ && pending !~ /^(relaxed|[ARWF][0-9]+), (both|all)/)) pending = ""
	else if (said != "" && pending == "") pending = said
	if (in_comment) pending = said
}

END { exit bad }
