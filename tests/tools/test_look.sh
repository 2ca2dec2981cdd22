#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do ls, stat and rm tell the truth about channels, and say plainly what is wrong? (TAP)
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

tap_check 'ls without any channel says so and is content' exits 0 says 'no channels' ringshm ls
tap_check 'ls --json without any channel is an empty array' json '. == []' ringshm ls --json
tap_check 'stat of a channel that is not there exits with 3' exits 3 ringshm stat nobody
tap_check 'rm of a channel that is not there exits with 3' exits 3 ringshm rm nobody
tap_check 'rm --force does not mind' exits 0 ringshm rm --force nobody

attach md producer 5 && tap_ok 'a producer attaches' || tap_not_ok 'a producer attaches'
PRODUCER=$PID
tap_check 'ls shows the channel' says '^md +spsc +64 KiB ' ringshm ls
tap_check 'ls --json shows it' \
	json '.[0] | .name == "md" and .kind == "spsc" and .capacity == 65536 and .used == 80 and .producers == 1 and .consumers == 0' \
	ringshm ls --json
tap_check 'stat names the live producer' says "producer .*pid $PRODUCER \(attach\).* alive" ringshm stat md
tap_check 'stat --json has shape, contents and participants' \
	json '.name == "md" and .tail == 80 and .head == 0 and .dropped == 3 and .mode == "0600" and (.participants | length) == 1 and .participants[0].pid == '"$PRODUCER" \
	ringshm stat md --json
attach md consumer 2 && tap_ok 'a consumer attaches' || tap_not_ok 'a consumer attaches'
tap_check 'stat --json counts what it has read' json '.head == 32 and .used == 48 and .consumers == 1' ringshm stat md --json

kill -9 "$PRODUCER"
wait "$PRODUCER" 2>/dev/null
tap_check 'a killed producer is shown dead, not alive' \
	json '.producers == 0 and .dead == 1 and ([.participants[] | select(.role == "producer" and .alive)] | length) == 0' \
	ringshm stat md --json

mkdir "$RINGSHM_DIR/broken"
head -c 8192 /dev/zero >"$RINGSHM_DIR/broken/ctl"
tap_check 'ls lists what is no sound channel, with the reason' says '^broken +unreadable: .' ringshm ls
tap_check 'ls --json too, and the others beside it' \
	json 'map({(.name): (.error // "")}) | add | .broken != "" and .md == ""' ringshm ls --json
tap_check 'stat of it fails with 1' exits 1 ringshm stat broken
tap_check 'rm removes it' exits 0 ringshm rm broken

tap_check 'rm removes a channel in use' exits 0 ringshm rm md
tap_check 'and it is gone' json '. == []' ringshm ls --json

tap_check 'stat without a name is wrong usage' exits 2 ringshm stat
tap_check 'stat of two names is wrong usage' exits 2 ringshm stat a b
tap_check 'rm without a name is wrong usage' exits 2 ringshm rm
tap_check 'an unknown command is wrong usage' exits 2 ringshm fly
tap_check 'no command is wrong usage' exits 2 ringshm
tap_check 'an unknown option is wrong usage' exits 2 ringshm ls --fly
tap_check 'a name with a slash is refused with a reason' says 'ringshm: .*\.\./md' ringshm stat ../md
tap_check '--help lists the commands and the exit codes' says '^  stat ' ringshm --help
for command in ls stat rm ping; do
	tap_check "$command --help explains it" exits 0 ringshm $command --help
done
tap_check 'a full disk is noticed' exits 1 bash -c '"$1" ls --json >/dev/full' - "$TREE/tools/ringshm"
tap_done
