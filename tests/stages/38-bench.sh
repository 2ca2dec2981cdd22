#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do the yardsticks and the benchmarks measure what they say? No time is judged here.
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

bad=0
for program in $(listed "$TREE" bench print-tests); do
	run_program 120 "bench/$program" "$TREE/bench/$program" || bad=1
done

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
bench() { timeout -k 5 120 "$TREE/bench/ringshm_bench" "$@"; }
holds() { jq -e "$1" "$WORK/report.json" >/dev/null || { jq -c '.cases[]' "$WORK/report.json" | head -20; return 1; }; }

if [ -x "$TREE/bench/ringshm_bench" ]; then
	tap_check 'the whole suite runs, shortened' bench --rounds 6 --burst 1 --seconds 10 --json="$WORK/report.json"
	tap_check 'every case was measured' holds '(.cases | length) == 12 and all(.cases[]; .rounds >= 1)'
	tap_check 'every row has a figure or says why it has none' \
		holds 'all(.cases[].classes[].rows[]; .ns > 0 or (.left_out | length) > 0 or .n == 0)'
	tap_check 'ringshm itself was measured in every case' \
		holds 'all(.cases[].classes[]; any(.rows[]; (.who | startswith("ringshm")) and .ns > 0))'
	tap_check 'no candidate delivered anything wrong' \
		holds 'all(.cases[].classes[].rows[]; (.left_out // "") | test("not sent|did not come|failed") | not)'
	tap_check 'fewer than 15 pairs decide nothing' \
		holds 'all(.cases[].classes[].targets[]; .verdict == "undecided" or .verdict == "nobody to compare")'
else
	tap_skip 'Google Benchmark is not installed: apt-get install libbenchmark-dev' 'the suite runs'
fi
[ $bad -eq 0 ] || tap_not_ok 'all test programs of bench/ passed'
tap_done
