#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does maps tell who maps a channel, where, and with which pages? (TAP)
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

RINGSHM=$TREE/tools/ringshm
export RINGSHM
PAGE=$(getconf PAGE_SIZE)

ringshm create -q --backend shm --capacity 64k md
tap_check 'nobody maps a channel that nobody has open' says '^nobody maps md$' ringshm maps md
maps_json() { ringshm maps --json "$@" 2>/dev/null; } # who could not be looked into is said besides
tap_check 'and --json is an empty array' json '. == []' maps_json md
attach md producer 1 && PRODUCER=$PID && tap_ok 'a producer attaches' || tap_not_ok 'a producer attaches'
attach md consumer 1 && CONSUMER=$PID && tap_ok 'a consumer attaches' || tap_not_ok 'a consumer attaches'
tap_check 'both are shown, with name and seat' json "
	[.[] | {pid, comm, seats}] | sort_by(.seats[0]) ==
	[{pid: $CONSUMER, comm: \"attach\", seats: [\"consumer 1\"]}, {pid: $PRODUCER, comm: \"attach\", seats: [\"producer 0\"]}]" \
	maps_json md
tap_check 'the producer writes data and ctl, the consumer writes cons alone' json "
	def writable(p): [.[] | select(.pid == p) | .mappings[] | select(.permissions | startswith(\"rw\")) | .file] | unique;
	writable($PRODUCER) == [\"ctl\", \"data\"] and writable($CONSUMER) == [\"cons\"]" maps_json md
tap_check 'all of data is mapped and present, in the pages that it has' json "
	[.[].mappings[] | select(.file == \"data\")] | length == 2 and
	all(.[]; .size >= 65536 + 4096 and .present == .size and .page_size == $PAGE)" maps_json md
same_range() {
	local range
	range=$(maps_json md | jq -r ".[] | select(.pid == $PRODUCER) | .mappings[] | select(.file == \"data\") | .start[2:] + \"-\" + .end[2:]")
	grep -q "^$range .*/md/data" "/proc/$PRODUCER/maps" || { say "$range"; cat "/proc/$PRODUCER/maps"; return 1; }
}
tap_check 'the range is the one that the kernel tells' same_range
if [ -r /proc/self/numa_maps ]; then
	tap_check 'the nodes of its pages add up to what is present' json '
		[.[].mappings[] | select(.file == "data")] | all(.[]; ([.node_bytes[]] | add) == .present)' maps_json md
else
	tap_skip 'this kernel knows no nodes' 'the nodes of its pages add up to what is present'
fi
tap_check 'the text says the same' says "^  data [0-9a-f]+-[0-9a-f]+ rw-s .*pages of " ringshm maps md
tap_check 'a System V segment is found too' bash -c '
	"$RINGSHM" create -q --backend sysv --capacity 64k segment || exit 1
	timeout 20 "$RINGSHM" recv --follow segment & receiver=$!
	for i in $(seq 100); do "$RINGSHM" stat --json segment | jq -e ".consumers == 1" >/dev/null && break; sleep 0.05; done
	"$RINGSHM" maps --json segment | jq -e "[.[].mappings[] | select(.file == \"data\" and .size >= 65536)] | length == 1"
	rc=$?; kill $receiver; "$RINGSHM" rm segment; exit $rc'
tap_check 'a channel that is not there exits with 3' exits 3 ringshm maps nobody
tap_check 'no name is wrong usage' exits 2 ringshm maps
tap_done
