#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does stat --watch go on looking, and does stat name who holds the others up? (TAP)
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

RINGSHM=$TREE/tools/ringshm
export RINGSHM WORK

attach md producer 5 && tap_ok 'a producer attaches' || tap_not_ok 'a producer attaches'
tap_check '--watch --count looks so often' \
	bash -c '[ "$("$RINGSHM" stat --watch=0.05 --count 3 md | grep -c "^channel ")" = 3 ]'
tap_check 'later looks show the flow' says '^flow +0 bytes/s in, 0 bytes/s out' ringshm stat --watch=0.05 --count 2 md
tap_check 'no screen is cleared where there is none' \
	bash -c '! "$RINGSHM" stat --watch=0.05 --count 2 md | grep -q "$(printf "\033")"'
tap_check 'a terminal is cleared' \
	bash -c 'command -v script >/dev/null || exit 0; script -qec "$RINGSHM stat --watch=0.05 --count 2 md" /dev/null | grep -q "$(printf "\033")"'
tap_check '--watch --json is one object a line, its clock advancing' \
	bash -c '"$RINGSHM" stat --watch=0.05 --count 3 --json md >"$WORK/lines" && [ "$(wc -l <"$WORK/lines")" = 3 ] &&
	jq -se "length == 3 and .[0].monotonic_ns < .[2].monotonic_ns and .[2].tail == 80" "$WORK/lines"'
tap_check 'a closed pipe ends it quietly' \
	bash -c 'timeout 20 "$RINGSHM" stat --watch=0.02 md 2>"$WORK/why" | head -n 1 >/dev/null; [ "${PIPESTATUS[0]}" = 141 ] && [ ! -s "$WORK/why" ]'
tap_check 'with --json too' \
	bash -c 'timeout 20 "$RINGSHM" stat --watch=0.02 --json md 2>"$WORK/why" | head -n 1 >/dev/null; [ "${PIPESTATUS[0]}" = 141 ] && [ ! -s "$WORK/why" ]'
tap_check 'removal ends it with 3' bash -c '
	timeout 20 "$RINGSHM" stat --watch=0.02 md >"$WORK/out" 2>"$WORK/why" & watcher=$!
	sleep 0.2; "$RINGSHM" rm md; wait $watcher; [ $? -eq 3 ] && grep -q "removed or replaced" "$WORK/why"'
for wrong in 0 x -1 0.001; do
	tap_check "wrong usage: --watch=$wrong" exits 2 ringshm stat --watch=$wrong md
done

attach many holder 2 && tap_ok 'an mpmc producer reserves a slot and keeps it' || tap_not_ok 'an mpmc producer reserves a slot and keeps it'
HOLDER=$PID
tap_check 'before anybody waits for it nobody is said to be stalled' json '.stalled == null' ringshm stat --json many
printf 'behind' | ringshm send many
kill -STOP "$HOLDER"
tap_check 'a consumer gets what stands before the slot and then waits' exits 4 ringshm recv --timeout 0.3 many
tap_check 'stat names who holds it up, and that it is stopped' \
	says "^stalled .*producer [0-9]+, pid $HOLDER \(attach\).*alive.*position 2 for [0-9.]+ s.*kill -CONT $HOLDER" ringshm stat many
tap_check 'stat --json too, and since when' \
	json ".stalled | .role == \"producer\" and .pid == $HOLDER and .comm == \"attach\" and .position == 2 and .ns > 200000000 and .stopped" \
	ringshm stat --json many
kill -CONT "$HOLDER"
tap_check 'once it goes on, it is not called stopped any more' json '.stalled.stopped == false' ringshm stat --json many
kill -9 "$HOLDER"
wait "$HOLDER" 2>/dev/null
tap_check 'once it is dead, consumers go on' says '^behind$' ringshm recv --count 1 many
tap_check 'and nobody is stalled' json '.stalled == null and .lost_produced == 1' ringshm stat --json many

attach full taker 1024 && tap_ok 'an mpmc consumer takes the oldest message and keeps it' || tap_not_ok 'an mpmc consumer takes the oldest message and keeps it'
kill -STOP "$PID"
tap_check 'a producer waits for the slot that it holds' bash -c 'echo more | { ! timeout 5 "$RINGSHM" send --timeout 0.3 full; }'
tap_check 'stat names the consumer, and since when' \
	json ".stalled | .role == \"consumer\" and .pid == $PID and .position == 0 and .ns > 200000000 and .stopped" \
	ringshm stat --json full
kill -9 "$PID"
wait "$PID" 2>/dev/null
tap_check 'once it is dead, the producer goes on' bash -c 'echo more | timeout 5 "$RINGSHM" send --timeout 3 full'
tap_check 'and the message that died with it is counted' json '.stalled == null and .lost_consumed == 1' ringshm stat --json full
tap_done
