#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does the many-to-one example lose nothing, and one lane only when a producer is killed?
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

tool=$TREE/examples/manytoone/manytoone
tap_finds_words() { grep -q -- "$2" <<<"$(timeout 60 "${@:3}" 2>&1)" && tap_ok "$1" || tap_not_ok "$1"; }

tap_finds_words "64 lanes arrive complete" '128000 messages from 64 lanes' "$tool" --lanes=64 --messages=2000
tap_finds_words "one killed producer ends one lane" '; 1 lanes ended early' "$tool" --lanes=4 --messages=300000 --kill
tap_finds_words "nonsense is refused in words" 'not a number from 1' "$tool" --lanes=0
tap_done
