#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the tables of docs/memory-model.md say which atomic accesses the sources have? To be sourced by a stage.

LABELLED=(include/ringshm/{spsc_consumer,spsc_producer,token,mpmc_core,mpmc_repair,mpmc_producer,mpmc_consumer}.h
	ringshm/{spsc,token,mpmc,mpmc_kind,role,wait,bell,life,seat,poller}.c
	kmod/{kproducer,kconsumer}.c)

# labelled DIRECTORY : "ring label order function" of every access in the sources there, one a line.
labelled() {
	(cd "$1" && awk -f "$TOP/tests/docs/labels.awk" "${LABELLED[@]}") | sort -u
}

# tabled FILE : the same, as a document has it.
tabled() {
	awk -F'|' '
		/^## / { ring = $0; sub(/^## /, "", ring); if (ring ~ /^Sleeping/) ring = "library" }
		function each(list, label, order) {
			while (match(list, /`[a-z_0-9]+`/)) {
				print ring, label, order, substr(list, RSTART + 1, RLENGTH - 2)
				list = substr(list, RSTART + RLENGTH)
			}
		}
		/^\| [ARWF][0-9]+ \|/ { gsub(/ /, "", $2); gsub(/ /, "", $3); each($4, $2, $3) }
		/^\| functions \| why/ { relaxed = 1 }
		!/^\|/ { relaxed = 0 }
		relaxed { each($2, "relaxed", "relaxed") }' "$1" | sort -u
}

# weakened FILE : "ring.label" of the rows that say that weak memory notices.
weakened() {
	awk -F'|' '
		/^## / { ring = $0; sub(/^## /, "", ring) }
		/^\| [ARWF][0-9]+ \|/ && $7 ~ /^ weak/ && ring !~ /^Sleeping/ { gsub(/ /, "", $2); print ring "." $2 }' "$1"
	# R5 stands in the library, once for all
	grep -q '^| R5 |.*| weak, in all three rings |' "$1" && printf '%s.R5\n' mpmc spsc token
}

# paired FILE : rows whose partner, in the same ring or in the library, does not name them.
paired() {
	awk -F'|' '
		/^## / { ring = $0; sub(/^## /, "", ring); if (ring ~ /^Sleeping/) ring = "library" }
		/^\| [ARWF][0-9]+ \|/ {
			gsub(/ /, "", $2); gsub(/ /, "", $5)
			n = split($5, partner, ",")
			for (i = 1; i <= n; i++) wants[ring " " $2 " " partner[i]] = 1
		}
		END {
			wants["spsc R1 R0"] = 1 # R0 rides on that pair
			for (w in wants) {
				split(w, own, " ")
				for (v in wants) {
					split(v, other, " ")
					if (other[2] == own[3] && other[3] == own[2] &&
					    (other[1] == own[1] || other[1] == "library" || own[1] == "library")) break
					other[2] = ""
				}
				if (other[2] == "") { print own[1] ": " own[2] " pairs with " own[3] ", which does not say so"; bad = 1 }
			}
			exit bad
		}' "$1"
}
