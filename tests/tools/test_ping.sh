#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does ping measure what it says, and say what it cannot? (TAP) Nothing here judges a time.
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

NAMES='["batch_mean_ns","class","count","floor_ns","fresh_floor_ns","kind","max_ns","p50_ns","p999_ns","p99_ns","ratio_f","ratio_g","size"]'
SOUND='.count > 0 and .floor_ns > 0 and .fresh_floor_ns > 0 and .batch_mean_ns > 0 and .p50_ns > 0 and .p50_ns <= .p99_ns and .p99_ns <= .p999_ns and .p999_ns <= .max_ns and .ratio_f > 0 and .ratio_g > 0 and (.class | IN("same-core", "shared-l3", "no-shared-cache", "one-cpu"))'

tap_check 'ping --json has exactly the promised names' json "keys == $NAMES" ringshm ping --json --count 2000
for size in 0 8 56 64 1024; do
	tap_check "ping of $size bytes has figures that fit together" \
		json "$SOUND and .size == $size and .kind == \"spsc\"" ringshm ping --json --count 2000 --size $size
done
tap_check 'ping of messages larger than the default ring finds a ring' \
	json "$SOUND and .size == 100000 and .count == 100" ringshm ping --json --count 100 --size 100000
tap_check 'ping draws a histogram' says '%% #|% #' ringshm ping --count 2000
tap_check 'ping says what the figures are' says 'floor G .*no ring' ringshm ping --count 1000
CPU=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
tap_check 'ping works on a single CPU' json "$SOUND" ringshm ping --json --count 1000 --cpus "$CPU,$CPU"
tap_check 'and says what that means' says 'take turns by yielding' ringshm ping --count 100 --cpus "$CPU,$CPU"
tap_check 'a machine with one CPU counts as such' \
	says 'take turns by yielding' taskset -c "$CPU" "$TREE/tools/ringshm" ping --count 100
tap_check 'ping leaves no channel behind' json '. == []' ringshm ls --json
tap_check 'a message that does not fit is refused with the way out' \
	says 'does not fit.*--capacity' ringshm ping --size 60000 --capacity 64K
tap_check 'and exits with 1' exits 1 ringshm ping --size 60000 --capacity 64K
tap_check 'a capacity that is no power of two is refused' exits 1 ringshm ping --capacity 100000
tap_check 'a CPU that is not there is wrong usage' exits 2 ringshm ping --cpus "$CPU,999"
tap_check 'a count of zero is wrong usage' exits 2 ringshm ping --count 0
for kind in token mpmc; do
	tap_check "ping over $kind channels has figures that fit together" \
		json "$SOUND and .size == 8 and .kind == \"$kind\"" ringshm ping --json --count 2000 --kind $kind
done
tap_check 'ping over mpmc channels takes larger messages' \
	json "$SOUND and .size == 1024" ringshm ping --json --count 1000 --kind mpmc --size 1024
tap_check 'also such as fill whole lines of a slot but for its header' \
	json "$SOUND and .size == 248" ringshm ping --json --count 1000 --kind mpmc --size 248
tap_check 'a token is of 8 bytes, and ping says so' says 'cannot take messages of 64 bytes' ringshm ping --kind token --size 64
tap_check 'an unknown kind is wrong usage' exits 2 ringshm ping --kind fog
tap_done
