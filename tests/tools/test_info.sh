#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does info tell of this machine what the kernel tells, and of `auto` what create then does? (TAP)
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

mkdir -p "$RINGSHM_DIR"
tap_check 'info --json has every part' json \
	'has("version") and has("page_size") and has("directory") and has("pools") and has("mounts") and has("nodes") and has("limits") and .auto.capacity == 2097152' \
	ringshm info --json
tap_check 'the page size is the kernel'"'"'s' json ".page_size == $(getconf PAGE_SIZE)" ringshm info --json
tap_check 'the directory is the one of the channels' json ".directory.path == \"$RINGSHM_DIR\" and .directory.free > 0" ringshm info --json
tap_check 'there are as many pools as the kernel has' \
	json "(.pools | length) == $(find /sys/kernel/mm/hugepages -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" ringshm info --json
tap_check 'and as many mounts of hugetlbfs' json "(.mounts | length) == $(grep -c ' hugetlbfs ' /proc/self/mounts)" ringshm info --json
if ringshm info --json | jq -e '.nodes | length > 0' >/dev/null; then
	tap_check 'the nodes are the kernel'"'"'s' \
		json "(.nodes | length) == $(find /sys/devices/system/node -mindepth 1 -maxdepth 1 -name 'node[0-9]*' | wc -l)" ringshm info --json
	tap_check 'every node is at distance 10 from itself' json 'all(.nodes[]; .distances[.node | tostring] == 10)' ringshm info --json
else
	tap_skip 'built without libnuma' 'the nodes are the kernel'"'"'s'
	tap_skip 'built without libnuma' 'every node is at distance 10 from itself'
fi
tap_check 'limits are those of the process' bash -c 'ulimit -n 100; "$1" info --json | jq -e ".limits.nofile == 100"' - "$TREE/tools/ringshm"
tap_check 'auto lists what it would try, and shm, the last, works' json \
	'.auto.named | (.[-1].backend == "shm") and .[-1].works and all(.[]; .works or (.reason | length > 0))' ringshm info --json
WOULD=$(ringshm info --json --capacity 4M | jq -r '[.auto.named[] | select(.works)][0].backend')
tap_check 'create takes the first that works' json ".backend == \"$WOULD\"" ringshm create --json --capacity 4M md
tap_check 'and says why the ones before were refused' json \
	'(.refused | length > 0) or .backend == "kmod"' ringshm create --json --capacity 4M --replace md
tap_check 'asking leaves nothing behind' json 'map(.name) == ["md"]' ringshm ls --json
tap_check 'the text has the parts too' says '^auto, for an anonymous ring of 2 MiB, takes [a-z]+:' ringshm info
tap_check 'a refusal comes with its command, unless there is none to refuse' \
	bash -c '"$1" info >"$2/text"; ! grep -q "refused" "$2/text" || grep -q "mend it: " "$2/text"' - "$TREE/tools/ringshm" "$WORK"
tap_check 'a capacity that is no power of two is refused' exits 1 ringshm info --capacity 100
tap_check 'a channel is wrong usage' exits 2 ringshm info md
tap_check 'a bad number is wrong usage' exits 2 ringshm info --capacity many
tap_done
