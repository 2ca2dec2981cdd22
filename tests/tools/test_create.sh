#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does create make what was asked for, say what was got, and refuse what cannot be? (TAP)
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

tap_check 'create says what was got' says '^md: spsc of 64 KiB, .* pages of ' ringshm create md
tap_check 'a name that is taken is refused with a way out' says 'exists already.*rm md' ringshm create md
tap_check 'and exits with 1' exits 1 ringshm create md
tap_check '--replace takes its place' exits 0 ringshm create --replace --capacity 4k md
tap_check 'and it has the new shape' json '.capacity == 4096' ringshm stat --json md
tap_check '--json has the figures' \
	json '.name == "q" and .kind == "mpmc" and .capacity == 256 and .slot_size == 128 and .max_payload == 120 and .data_size >= 37376' \
	ringshm create --json --kind mpmc --capacity 256 --slot-size 128 q
tap_check 'what every channel of a kind has is none of its features' json '.features == []' ringshm stat --json q
tap_check 'the smallest slots hold 8 bytes' json '.max_payload == 8' ringshm create --json --kind mpmc --slot-size 16 tiny
tap_check 'the largest hold nearly 16 MiB' json '.max_payload == 16777200 and .data_size > 33554432' \
	ringshm create --json --kind mpmc --capacity 2 --slot-size 16M vast
tap_check 'and go again' exits 0 ringshm rm vast
tap_check 'smaller slots are refused with the range' says 'slot size 8; .* from 16 to 16777216' ringshm create --kind mpmc --slot-size 8 bad
tap_check '--quiet prints nothing' bash -c '[ -z "$("$1" create --quiet silent)" ]' - "$TREE/tools/ringshm"
tap_check 'features, schema, modes and start are as asked' exits 0 ringshm create -f block,eof,timestamp --schema 0x2a:3 --mode 0640 --consumer-mode 0660 --start 65472 all
tap_check 'and stat shows them' \
	json '.features == ["timestamp", "block", "eof"] and .schema_id == 42 and .schema_version == 3 and .mode == "0640" and .consumer_mode == "0660" and .head == 65472' \
	ringshm stat --json all
tap_check 'backend shm has small pages' json '.backend == "shm" and .page_size <= 65536' ringshm create --json --backend shm small
tap_check 'the group of its files is as asked' bash -c '"$1" create -q --group 12345 grouped && [ "$(stat -c %g "$RINGSHM_DIR/grouped/ctl")" = 12345 ]' - "$TREE/tools/ringshm"
tap_check 'a capacity that is no power of two is refused' says 'power of two' ringshm create -c 1000 bad
tap_check 'without leaving anything behind' exits 3 ringshm stat bad
while read -r name arguments; do
	# shellcheck disable=SC2086 # several arguments
	tap_check "wrong usage: $name" exits 2 ringshm create $arguments
done <<'END'
no-name
two-names a b
a-kind-that-is-none --kind fog a
a-feature-that-is-none --features block,fog a
a-backend-that-is-none --backend fog a
a-mode-that-is-none --mode 0888 a
a-mode-too-large --mode 1777 a
a-group-that-is-none --group no-such-group a
a-negative-capacity --capacity -5 a
a-capacity-with-a-tail --capacity 5X a
a-node-that-is-none --node moon a
a-schema-that-is-none --schema fog a
END
tap_check 'a name that is none is refused' exits 1 ringshm create ../md
tap_check 'no word of kinds that are not made' says "there is no 'bcast'; one of spsc, token, mpmc$" ringshm create --kind bcast a
tap_check 'why a small ring has small pages takes a line' \
	bash -c '[ "$("$1" create --capacity 64K short | grep -c "huge\|would leave")" -le 1 ]' - "$TREE/tools/ringshm"
# In a directory on tmpfs or on a disk, as the machine has it.
tap_check 'more than there is, is refused before any is taken' says 'create much: 1.0 TiB asked, (and this machine has .*ask for less|.* free in )' ringshm create --capacity 1T much
NOBODY="a channel of another user's"
if [ "$(id -u)" = 0 ]; then
	ringshm create -q own
	chmod 1777 "$RINGSHM_DIR"
	chmod 755 "$WORK"
	nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$(readlink -f "$TREE/tools/.libs/ringshm")" "$@"; }
	if LD_LIBRARY_PATH=$(readlink -f "$TREE/ringshm/.libs") && export LD_LIBRARY_PATH && nobody --version >/dev/null 2>&1; then
		tap_check "$NOBODY is not made again" says "create own: the name is taken by another user's channel; choose another" nobody create own
		tap_check "$NOBODY is not replaced" says 'create own: .* only its owner or root may replace it; choose another' nobody create --replace own
		tap_check "$NOBODY is not removed" says 'remove own: only its owner or root may remove it' nobody rm own
		tap_check 'a directory that one may not write names the way out' says 'create own: in directory .*; point RINGSHM_DIR to' \
			env RINGSHM_DIR="$WORK" setpriv --reuid 65534 --regid 65534 --clear-groups "$(readlink -f "$TREE/tools/.libs/ringshm")" create own
		tap_check "$NOBODY is not used" says 'own: no permission; ask its owner' nobody send own
	else
		tap_skip 'nobody may not run what was built here' "$NOBODY"
	fi
	unset LD_LIBRARY_PATH
else
	tap_skip 'only root can become another user' "$NOBODY"
fi
FULL='a full file system is said, and nothing is left behind'
if unshare -m true 2>/dev/null; then
	tap_check "$FULL" unshare -m bash -c '
		mkdir "$1" && mount -t tmpfs -o size=256k none "$1" || exit 1
		RINGSHM_DIR=$1 "$2" create --capacity 1M --backend shm big 2>&1 | grep -E "^ringshm: create big: .*1.0 MiB asked, .* free" || exit 1
		[ -z "$(ls -A "$1")" ]' - "$WORK/small" "$TREE/tools/ringshm"
else
	tap_skip 'no mount namespace to be had' "$FULL"
fi
tap_done
