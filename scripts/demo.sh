#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# From a bare Debian 12 to messages between processes: installs packages, builds, then shows a machine's own
# telemetry, a market-data replay and a ping through rings. Usage: scripts/demo.sh [CAPTURE.pcap[.gz]]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

LOGS=$TOP/build-demo
TELEMETRY_TIME=4s
FAILED=()
SUMMARY=()

title() { printf '\n=== %s ===\n' "$*"; }
sum_up() { SUMMARY+=("$(printf '%-22s %s' "$1" "$2")"); }

# show NAME LIMIT COMMAND... : runs a program of the build tree under a limit of seconds, shows what it
# prints and keeps it in LOGS.
show() {
	local name=$1 limit=$2 rc
	shift 2
	say "\$ ${*/#$TOP\//}"
	if [ ! -x "$1" ]; then
		FAILED+=("$name")
		sum_up "$name" "not built: remove build/ and run this again, and see what configure misses"
		return 1
	fi
	timeout --foreground -k 5 "$limit" "$@" </dev/null 2>&1 | tee "$LOGS/$name.log"
	rc=${PIPESTATUS[0]}
	[ "$rc" -eq 0 ] && return 0
	FAILED+=("$name")
	[ "$rc" -eq 124 ] && sum_up "$name" "stopped after $limit s" || sum_up "$name" "failed with status $rc"
	return 1
}

find_capture() {
	local file
	for file in "$TOP"/../shared/data/iex/*.pcap.gz "$TOP"/../shared/data/iex/*.pcap; do
		[ -r "$file" ] && { realpath "$file"; return; }
	done
}

# figure LOG NAME : what stands behind NAME at the beginning of a line.
figure() { awk -v name="$2 " 'index($0, name) == 1 { sub(/ *\(.*/, ""); print $NF; exit }' "$LOGS/$1.log"; }

install_and_build() {
	local began=$SECONDS
	title "Packages"
	install_packages build || exit 1
	say "all installed"
	sum_up packages "$((SECONDS - began)) s"
	title "Build"
	began=$SECONDS
	[ -e "$TREE/config.status" ] || configure_tree "$TREE" || die "configure failed; its log: $TREE/config.log"
	build_tree "$TREE" all || die "the build failed; all of its output: $TREE/make.out"
	say "in ${TREE#"$TOP"/}/"
	sum_up build "$((SECONDS - began)) s"
}

telemetry() {
	title "Telemetry: this machine's /proc, sampled by one process, shown by another, for $TELEMETRY_TIME"
	show telemetry 30 "$TREE/examples/telemetry/telemetry" --interval 500ms --duration "$TELEMETRY_TIME" --top 5 --lines &&
		sum_up telemetry "$(tail -1 "$LOGS/telemetry.log" | sed 's/^telemetry: //')"
}

market_data() {
	local capture=$1
	if [ -z "$capture" ]; then
		title "Market data: no capture at hand"
		say "give one: scripts/demo.sh CAPTURE.pcap[.gz] (an exchange's IEX-TP feed over UDP)"
		sum_up "market data" "skipped: no capture given"
		return
	fi
	title "Market data: $(basename "$capture") through a ring, from a feed process to a book process"
	show market-data 60 "$TREE/examples/marketdata/md_replay" "$capture" || return
	sum_up "market data" "$(figure market-data messages) messages, crc32 $(figure market-data crc32), $(figure market-data messages/s) messages/s"
}

ping() {
	title "Ping: how long a message takes there and back between two processes"
	show ping 60 "$TREE/tools/ringshm" ping &&
		sum_up ping "there and back $(sed -n 's/^batch mean *//p' "$LOGS/ping.log" | tr -s ' ') (F, G: the bare hardware's times)"
}

main() {
	local capture=${1:-}
	[ $# -le 1 ] || die "usage: scripts/demo.sh [CAPTURE.pcap[.gz]]"
	[ -z "$capture" ] || [ -r "$capture" ] || die "cannot read the capture $capture: give the path of a pcap or pcap.gz file"
	[ -n "$capture" ] || capture=$(find_capture)
	mkdir -p "$LOGS" || die "cannot write into $TOP: clone it where you may write"
	install_and_build
	telemetry
	market_data "$capture"
	ping
	title "Summary"
	sum_up everything "$SECONDS s"
	printf '%s\n' "${SUMMARY[@]}"
	[ ${#FAILED[@]} -eq 0 ] || die "failed: ${FAILED[*]}; output in $LOGS"
	say "Programs are in build/tools and build/examples; next: build/tools/ringshm --help, README.md"
}

main "$@"
