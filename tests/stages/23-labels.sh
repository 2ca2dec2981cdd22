#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does docs/memory-model.md list every ordered and every relaxed access, and nothing else?
# timeout: 60
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"
. "$TOP/tests/docs/labels.sh"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
MODEL=$TOP/docs/memory-model.md

# Every access says its label, or why relaxed suffices: awk's complaints are the findings.
unlabelled() { ! (cd "$1" && awk -f "$TOP/tests/docs/labels.awk" "${LABELLED[@]}") 2>&1 >/dev/null | grep .; }
same() { diff <(labelled "$1") <(tabled "$2"); }
# planted EXPRESSION FILE : a copy of the sources with a fault in that file; its directory.
planted() {
	rm -rf "$WORK/sources" && mkdir -p "$WORK/sources"
	(cd "$TOP" && cp --parents "${LABELLED[@]}" docs/memory-model.md "$WORK/sources") &&
		sed -i "$1" "$WORK/sources/$2"
}

tap_check 'the sources have accesses' test "$(labelled "$TOP" | wc -l)" -gt 100
tap_check 'every access says its label, or why relaxed suffices' unlabelled "$TOP"
tap_check 'docs/memory-model.md has every access, by label, order and function' same "$TOP" "$MODEL"
tap_check 'every label pairs with one that pairs with it' paired "$MODEL"
tap_check 'what the document says that weak memory notices is what its test weakens' \
	diff <(weakened "$MODEL" | sort) <("$TREE/tests/model/weak" --list | sort)

planted 's|/\* A1: pairs with R1 \*/||' include/ringshm/spsc_consumer.h
tap_finds 'an access without a label is noticed' 'ringshm__spsc_look: acquire, without a label' unlabelled "$WORK/sources"
planted 's/R4: pairs with A4/R9: pairs with A4/' include/ringshm/spsc_consumer.h
tap_finds 'a label that is not in the document is noticed' '< spsc R9 release ringshm_spsc_release' same "$WORK/sources" "$MODEL"
planted '/^| A4 | acquire | `ringshm__mpmc_fold`/d' docs/memory-model.md
tap_finds 'a label that left the document is noticed' '< mpmc A4 acquire ringshm__mpmc_lost' \
	same "$TOP" "$WORK/sources/docs/memory-model.md"
tap_finds 'a partner that left the document is noticed' 'mpmc: R4 pairs with A4' paired "$WORK/sources/docs/memory-model.md"
planted 's/ringshm_load_acquire(p->credit_word)/ringshm_load_relaxed(p->credit_word)/' include/ringshm/spsc_producer.h
tap_finds 'an access that became relaxed is noticed' '> spsc A2 acquire ringshm__spsc_read_limit' same "$WORK/sources" "$MODEL"
planted 's/ringshm_load16_acquire(states + n)/ringshm_load16_relaxed(states + n)/' include/ringshm/mpmc_core.h
tap_finds 'the same of a word of 16 bits' '> mpmc A1 acquire ringshm__mpmc_scout' same "$WORK/sources" "$MODEL"
planted 's/`ringshm__spsc_look`, //' docs/memory-model.md
tap_finds 'a function that left the document is noticed' '< spsc A1 acquire ringshm__spsc_look' \
	same "$TOP" "$WORK/sources/docs/memory-model.md"
tap_done
