#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does gc remove what belongs to the dead, that alone, and with --dry-run nothing? (TAP)
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

HALF=.build-half-0123456789abcdef
GONE=.gone-old-0123456789abcdef

tap_check 'gc where nobody has made a channel finds nothing' says 'nothing belongs to the dead' ringshm gc
ringshm create -q half
mv "$RINGSHM_DIR/half" "$RINGSHM_DIR/$HALF"
ringshm create -q old
mv "$RINGSHM_DIR/old" "$RINGSHM_DIR/$GONE"
ringshm create -q kept
attach used producer 1 && tap_ok 'a producer attaches' || tap_not_ok 'a producer attaches'
tap_check '--dry-run names both leftovers' json \
	'map(.what) | sort == ["half-built channel", "half-removed channel"]' ringshm gc --dry-run --json
tap_check 'and removes nothing' bash -c '[ -d "$1/$2" ] && [ -d "$1/$3" ]' - "$RINGSHM_DIR" $HALF $GONE
exec 9<"$RINGSHM_DIR/$HALF"
flock -n 9
tap_check 'what a living builder holds is left alone' json 'map(.what) == ["half-removed channel"]' ringshm gc --dry-run --json
exec 9<&-
tap_check 'gc removes both' json 'length == 2 and all(.[]; .removed)' ringshm gc --json
tap_check 'and they are gone' bash -c '[ ! -e "$1/$2" ] && [ ! -e "$1/$3" ]' - "$RINGSHM_DIR" $HALF $GONE
tap_check 'channels are left alone' json 'map(.name) | sort == ["kept", "used"]' ringshm ls --json

ringshm create -q --backend sysv --capacity 64k segment
rm -rf "$RINGSHM_DIR/segment"
tap_check 'a segment without its channel is found' json 'map(.what) == ["memory without a channel"]' ringshm gc --dry-run --json
tap_check 'and removed' says '^removed memory without a channel: ' ringshm gc
tap_check 'after which there is none' says 'nothing belongs to the dead' ringshm gc

tap_check '--all --dry-run names the channel that nobody uses, and no other' \
	json 'map([.what, .name, .removed]) == [["channel without users", "kept", false]]' ringshm gc --all --dry-run --json
tap_check '--all removes it' says '^removed channel without users: kept$' ringshm gc --all
tap_check 'the channel in use stays' json 'map(.name) == ["used"]' ringshm ls --json
kill -9 "$PID"
wait "$PID" 2>/dev/null
tap_check 'gc leaves a channel alone whose producer has died' says 'nothing belongs to the dead' ringshm gc
tap_check '--all removes it' says '^removed channel without users: used$' ringshm gc --all
mkdir "$RINGSHM_DIR/broken"
tap_check 'what is no sound channel is left to rm' says 'nothing belongs to the dead' ringshm gc --all
tap_check 'an argument is wrong usage' exits 2 ringshm gc md
tap_done
