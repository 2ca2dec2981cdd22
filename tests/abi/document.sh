#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the tables of docs/layout.md say what the golden layout says? Prints TAP.
. "@top_srcdir@/scripts/tap.sh"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# "struct size", "struct field offset size" and "shape capacity ...", one a line, as the golden layout has them ...
golden() {
	sed -nE -e 's/^[[:space:]]*LAYOUT_STRUCT\((\w+), (\w+)\)/\1 \2/p' \
		-e 's/^[[:space:]]*LAYOUT_FIELD\((\w+), (\w+), (\w+), (\w+)\)/\1 \2 \3 \4/p' \
		-e '/^LAYOUT_SHAPE/s/[(),]+/ /g' -e 's/^LAYOUT_SHAPE +(.*[0-9]) *$/shape \1/p' "$TOP/tests/abi/layout.h" | tr -s ' '
}

# ... and as a document has them: headings "### struct NAME, N bytes", rows "| offset | bytes | `field` |", and rows of
# ten figures.
documented() {
	awk -F'|' '
		/^##/ { of = "" }
		/^[| 0-9]+$/ && NF == 12 { row = $0; gsub(/[| ]+/, " ", row); sub(/^ /, "shape ", row); sub(/ $/, "", row); print row; next }
		match($0, /^### struct [a-z_]+, [0-9]+ bytes$/) { split($0, word, /[ ,]+/); of = word[3]; print of, word[4] }
		of != "" && $2 ~ /^ *[0-9]+ *$/ { gsub(/[ `]/, ""); print of, $4, $2, $3 }' "$1"
}

same() { diff <(golden | sort) <(documented "$1" | sort); }

# planted EXPRESSION : the document with a fault in it.
planted() { sed "$1" "$TOP/docs/layout.md" >"$WORK/planted.md" && same "$WORK/planted.md"; }

tap_check 'the golden layout has structs and fields' test "$(golden | wc -l)" -gt 80
tap_check 'docs/layout.md has every struct and field where they are' same "$TOP/docs/layout.md"
tap_finds 'a field that is documented elsewhere is noticed' 'ringshm_header capacity 60 8' \
	planted '0,/| 56 | 8 |/s//| 60 | 8 |/'
tap_finds 'a field that is not documented is noticed' '< ringshm_header capacity' planted '/^| 56 | 8 | `capacity`/d'
tap_finds 'a shape that is documented otherwise is noticed' 'shape 1024 64 8 0 2048 10240 67584 64 0 56' \
	planted 's/67584 | 56 | 0 | 56/67584 | 64 | 0 | 56/'
tap_finds 'a shape that is not documented is noticed' '< shape 2 16 8 0' planted '/^| 2 | 16 | 8 | 0 /d'
tap_finds 'a struct of another size is noticed' 'ringshm_ctl 4104' planted 's/ringshm_ctl, 4096/ringshm_ctl, 4104/'
tap_done
