#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do guide and manual pages speak of what there is, and do the examples in them work?
# timeout: 180
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"
. "$TOP/tests/docs/quoted.sh"
. "$TOP/tests/docs/examples.sh"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
PAGES=("$TOP"/docs/man/*.[1-9])
CALLS=("$TOP"/docs/man/*.3)
lint() { mandoc -T lint -W warning "$@"; }

tap_check 'the guide quotes error texts' test "$(quoted "$TOP/docs/guide.md" | wc -l)" -gt 15
tap_check 'every error text in the guide is one of the library' unsaid "$TOP/docs/guide.md"
printf '| text | why |\n|---|---|\n| `the moon is full` | wait |\n' >"$WORK/planted.md"
tap_finds 'a text that nothing says is noticed' "nothing says 'the moon is full'" unsaid "$WORK/planted.md"
tap_check 'every name in the documents exists' unknown "$TOP"/docs/*.md "$TOP/README.md" "${PAGES[@]}"
say 'call ringshm_sing()' >"$WORK/planted.md"
tap_finds 'a name that does not exist is noticed' 'nothing is called ringshm_sing' unknown "$WORK/planted.md"

tap_check 'mandoc finds nothing to mend in the manual pages' lint "${PAGES[@]}"
printf '.TH X 3\n.SH NAME\n.B x\n.PP\n' >"$WORK/planted.3"
tap_finds 'a planted careless page is noticed' 'WARNING' lint "$WORK/planted.3"
tap_check 'the manual pages have no stray markup' plain "${PAGES[@]}"
say 'waits up to _timeout_ns_ nanoseconds' >"$WORK/stray.3"
tap_finds 'planted stray markup is noticed' '_timeout_ns_' plain "$WORK/stray.3"
tap_check 'every function of the library has a page' undocumented "${CALLS[@]}"
tap_finds 'a function without a page is noticed' 'no page has ringshm_create' undocumented "$WORK/planted.3"
for page in "${CALLS[@]}"; do
	tap_check "$(basename "$page"): its synopsis is what the headers say" agrees "$page"
	tap_check "$(basename "$page"): its example compiles" compiles "$page" &&
		tap_check "$(basename "$page"): its example runs" runs "$page"
done
sed 's/^int ringshm_unlink(const/long ringshm_unlink(const/' "$TOP/docs/man/ringshm_create.3" >"$WORK/planted.3"
tap_finds 'a planted wrong prototype is noticed' 'conflicting types' agrees "$WORK/planted.3"
printf '.SH EXAMPLES\n.EX\nint main(void) { return ringshm_sing(); }\n.EE\n' >"$WORK/planted.3"
tap_finds 'a planted example that does not compile is noticed' 'ringshm_sing' compiles "$WORK/planted.3"
printf '.SH EXAMPLES\n.EX\nint main(void) { return 1; }\n.EE\n' >"$WORK/planted.3"
compiles "$WORK/planted.3"
tap_check 'a planted example that fails is noticed' eval '! runs "$WORK/planted.3"'
tap_done
