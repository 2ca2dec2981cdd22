#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the tables of docs/layout.md say what the golden layout says? Prints TAP.
. "@top_srcdir@/scripts/tap.sh"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# "struct size" and "struct field offset size", one a line, as the golden layout has them ...
golden() {
	sed -nE -e 's/^[[:space:]]*LAYOUT_STRUCT\((\w+), (\w+)\)/\1 \2/p' \
		-e 's/^[[:space:]]*LAYOUT_FIELD\((\w+), (\w+), (\w+), (\w+)\)/\1 \2 \3 \4/p' "$TOP/tests/abi/layout.h"
}

# ... and as a document has them: headings "### struct NAME, N bytes", rows "| offset | bytes | `field` |".
documented() {
	awk -F'|' '
		/^##/ { of = "" }
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
tap_finds 'a struct of another size is noticed' 'ringshm_ctl 4104' planted 's/ringshm_ctl, 4096/ringshm_ctl, 4104/'
tap_done
