#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do send and recv carry everything, wait as they should, and end as they should? (TAP)
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

RINGSHM=$TREE/tools/ringshm
export RINGSHM WORK

# Both in the background under a limit; the receiver's exit code is ours.
# transfer CHANNEL FILE SEND-OPTIONS -- RECV-OPTIONS : a copy of FILE arrives.
transfer() {
	local channel=$1 file=$2 send=() receiver
	shift 2
	while [ "$1" != -- ]; do send+=("$1"); shift; done
	shift
	timeout -k 5 30 "$RINGSHM" recv "$channel" "$@" >"$WORK/copy" & receiver=$!
	timeout -k 5 30 "$RINGSHM" send "$channel" "${send[@]}" <"$file" || { wait $receiver; return 1; }
	wait $receiver || return 1
	cmp "$file" "$WORK/copy"
}

# until_true COMMAND... : within 10 s.
until_true() {
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}
attached() { ringshm stat --json md | jq -e ".$1 == 1"; }

# stopped_by SIGNAL ROLE COMMAND... : the signal ends the command at once, by that signal, nobody is left dead.
stopped_by() {
	local signal=$1 role=$2 pid rc
	shift 2
	mkfifo "$WORK/hold" 2>/dev/null
	sleep 20 >"$WORK/hold" & ATTACHED+=($!)
	# a script's background jobs ignore ^C; env undoes that
	env --default-signal=INT "$@" <"$WORK/hold" >"$WORK/stopped" 2>&1 & pid=$!
	ATTACHED+=("$pid")
	until_true attached "$role" || { say 'never attached'; return 1; }
	kill "-$signal" "$pid"
	wait "$pid"
	rc=$?
	kill "${ATTACHED[-2]}"
	[ $rc -eq $((128 + $(kill -l "$signal"))) ] || { say "exited with $rc"; cat "$WORK/stopped"; return 1; }
	json '.dead == 0 and .producers == 0 and .consumers == 0' ringshm stat --json md
}

head -c 2000000 /dev/urandom >"$WORK/random"
head -c 300000 /dev/zero >"$WORK/zeros"
seq 100000 >"$WORK/numbers"
printf 'one\ntwo\nno newline at the end' >"$WORK/short"

for kind in spsc mpmc; do
	tap_check "create a $kind channel" exits 0 ringshm create -q --kind $kind md
	for file in random zeros numbers short; do
		tap_check "$kind: $file, line by line, arrives unchanged" transfer md "$WORK/$file" --
		tap_check "$kind: $file, raw, arrives unchanged" transfer md "$WORK/$file" --raw --
		tap_check "$kind: $file, in messages of 48 bytes, arrives unchanged" transfer md "$WORK/$file" --size 48 --
	done
	tap_check "$kind: --chomp and --newline: numbers arrive as lines" transfer md "$WORK/numbers" --chomp -- --newline
	tap_check "$kind: what was sent before is received after" \
		bash -c '"$RINGSHM" send md <"$WORK/short" && "$RINGSHM" recv md | cmp - "$WORK/short"'
	tap_check "$kind: one message a line" \
		bash -c 'printf "a\nb\nc\n" | "$RINGSHM" send md && [ "$("$RINGSHM" recv --count 2 md)" = "$(printf "a\nb")" ] && [ "$("$RINGSHM" recv --drain md)" = c ]'
	tap_check "$kind: --drain of an empty channel ends at once" exits 0 ringshm recv --drain md
	tap_check "$kind: recv --timeout exits with 4" exits 4 ringshm recv --timeout 0.2 md
	tap_check "$kind: ^C ends recv, and it leaves in good order" stopped_by INT consumers "$RINGSHM" recv md
	tap_check "$kind: ^C ends send, and it leaves in good order" stopped_by INT producers "$RINGSHM" send md
	tap_check "$kind: TERM ends recv --follow" stopped_by TERM consumers "$RINGSHM" recv --follow md
	tap_check "$kind: a closed pipe ends recv quietly, by SIGPIPE, in good order" bash -c '
		timeout 20 "$RINGSHM" send md <"$WORK/numbers" & sender=$!
		timeout 20 "$RINGSHM" recv md 2>"$WORK/why" | head -n 1 >/dev/null
		codes=${PIPESTATUS[*]}
		kill $sender; wait $sender
		[ "$codes" = "141 0" ] && [ ! -s "$WORK/why" ] || { echo "$codes"; cat "$WORK/why"; exit 1; }
		"$RINGSHM" stat --json md | jq -e ".dead == 0 and .consumers == 0"'
	tap_check "$kind: rm" exits 0 ringshm rm md
done

tap_check 'create a token channel' exits 0 ringshm create -q --kind token md
tap_check 'token: numbers arrive' transfer md "$WORK/numbers" --
head -c 80000 /dev/urandom >"$WORK/words"
tap_check 'token: raw words arrive' transfer md "$WORK/words" --raw -- --raw
tap_check 'token: a word that is no number is refused, with its line' \
	says "line 2: 'abc' is not a number" bash -c 'printf "1\nabc\n" | "$RINGSHM" send md'
tap_check 'token: so is 0' exits 1 bash -c 'echo 0 | "$RINGSHM" send md'
tap_check 'token: half a word is refused' says 'ends within a word' bash -c 'printf 1234567890 | "$RINGSHM" send --raw md'
tap_check 'token: what came before is there' says '^1$' ringshm recv --drain md
ringshm rm md

ringshm create -q --capacity 4096 md
tap_check 'send into a full channel times out with 4' exits 4 bash -c '"$RINGSHM" send --timeout 0.2 md <"$WORK/random"'
tap_check 'and says how much was sent' says '[0-9]+ messages were sent' bash -c '"$RINGSHM" send --timeout 0 md <"$WORK/random"'
tap_check '--whole refuses a line that does not fit' says 'line 1 does not fit' bash -c 'tr "\n" . <"$WORK/numbers" | "$RINGSHM" send --whole md'
tap_check 'without it, that it went in pieces is said' says 'went in pieces' bash -c 'ringshm_lines=$("$RINGSHM" recv --drain md | wc -c); tr "\n" . <"$WORK/numbers" | head -c 3000 | "$RINGSHM" send md'
ringshm rm md
ringshm create -q md
tap_check 'recv takes over nothing from a live consumer' bash -c '
	timeout 20 "$RINGSHM" recv --follow md >/dev/null & first=$!
	for i in $(seq 100); do "$RINGSHM" stat --json md | jq -e ".consumers == 1" >/dev/null && break; sleep 0.05; done
	"$RINGSHM" recv md 2>"$WORK/why"; rc=$?; kill $first; wait $first; [ $rc -eq 1 ] && grep -q "^ringshm: " "$WORK/why"'
tap_check '--follow stays for the next producer' bash -c '
	timeout 20 "$RINGSHM" recv --follow --count 2 md >"$WORK/copy" & receiver=$!
	echo a | "$RINGSHM" send md; sleep 0.2; echo b | "$RINGSHM" send md; wait $receiver && [ "$(cat "$WORK/copy")" = "$(printf "a\nb")" ]'
tap_check '--wait waits for the channel' bash -c '
	timeout 20 "$RINGSHM" recv --wait late >"$WORK/copy" & receiver=$!
	sleep 0.2; "$RINGSHM" create -q late; echo c | "$RINGSHM" send late; wait $receiver && [ "$(cat "$WORK/copy")" = c ]'
tap_check 'send --wait waits for a consumer' bash -c '
	echo d | timeout 20 "$RINGSHM" send --wait md & sender=$!
	sleep 0.2; kill -0 $sender && [ "$("$RINGSHM" recv md)" = d ] && wait $sender'
tap_check 'send --wait --timeout without a consumer exits with 4' exits 4 bash -c 'echo e | "$RINGSHM" send --wait --timeout 0.2 md'
tap_check 'recv --wait --timeout without a channel exits with 4' exits 4 ringshm recv --wait --timeout 0.2 never
tap_check 'an empty input ends a recv that waits' transfer late /dev/null --wait --
tap_check 'a removed channel ends recv with a reason' bash -c '
	timeout 20 "$RINGSHM" recv md 2>"$WORK/why" & receiver=$!
	for i in $(seq 100); do "$RINGSHM" stat --json md | jq -e ".consumers == 1" >/dev/null && break; sleep 0.05; done
	"$RINGSHM" rm md; wait $receiver; [ $? -eq 1 ] && grep -q "removed or replaced" "$WORK/why"'
ringshm create -q --backend shm cut
tap_check 'data cut short under recv is a broken channel, no SIGBUS' bash -c '
	echo first | "$RINGSHM" send cut; timeout 20 "$RINGSHM" recv --follow cut >/dev/null 2>"$WORK/why" & receiver=$!
	for i in $(seq 100); do "$RINGSHM" stat --json cut | jq -e ".consumers == 1 and .used == 0" >/dev/null && break; sleep 0.05; done
	truncate -s 0 "$RINGSHM_DIR/cut/data"; wait $receiver; rc=$?
	[ $rc -eq 1 ] && grep -q "the channel is broken" "$WORK/why" || { echo "$rc"; cat "$WORK/why"; exit 1; }'
ringshm create -q --features eof,block ends
tap_check 'eof: two transfers in a row' bash -c '
	for word in one two; do
		timeout 20 "$RINGSHM" recv ends >"$WORK/copy" & receiver=$!
		sleep 0.1; echo $word | "$RINGSHM" send ends; wait $receiver && [ "$(cat "$WORK/copy")" = $word ] || exit 1
	done'
tap_check 'eof: --follow stays' bash -c '
	timeout 20 "$RINGSHM" recv --follow --count 2 ends >"$WORK/copy" & receiver=$!
	echo a | "$RINGSHM" send ends; sleep 0.2; echo b | "$RINGSHM" send ends; wait $receiver && [ "$(cat "$WORK/copy")" = "$(printf "a\nb")" ]'
tap_check 'a full disk is noticed, and the message is still there' bash -c '
	echo f | "$RINGSHM" send ends; "$RINGSHM" recv ends >/dev/full 2>"$WORK/why"; [ $? -eq 1 ] && grep -q "No space" "$WORK/why" && [ "$("$RINGSHM" recv ends)" = f ]'

tap_check 'send to no channel exits with 3' exits 3 ringshm send nobody
tap_check 'recv from no channel exits with 3' exits 3 ringshm recv nobody
for wrong in 'send' 'recv' 'send a b' 'send --size 0 a' 'send --raw --chomp a' 'recv --count x a' 'recv --timeout -1 a' \
	'recv --timeout inf a' 'recv --drain --follow a'; do
	# shellcheck disable=SC2086 # several arguments
	tap_check "wrong usage: $wrong" exits 2 ringshm $wrong
done
ringshm create -q --replace closed
tap_check 'standard input that is closed is an error' says 'read standard input: Bad file descriptor' bash -c '"$1" send closed <&-' - "$TREE/tools/ringshm"
tap_check 'standard output that is closed is one, and nothing is written into the channel' says 'write to standard output: Bad file descriptor' \
	bash -c '"$1" create --json closed2 >&-; "$1" stat closed2 >/dev/null || echo spoilt' - "$TREE/tools/ringshm"
tap_done
