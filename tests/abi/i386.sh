#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do 32-bit programs see the same layout, and do they share channels with 64-bit ones? Prints TAP.
. "@top_srcdir@/scripts/tap.sh"

BUILD=@top_builddir@
CC32=i686-linux-gnu-gcc
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
RECORDS=20000
MESSAGES=60000 # each; of 64 slots, so that laps in states come again

compile32() {
	"$CC32" -std=gnu11 -D_GNU_SOURCE= -idirafter "/usr/include/$(gcc -print-multiarch)" -D_FILE_OFFSET_BITS=64 -Wall -Wextra -Werror -O2 -static \
		-I"$TOP/include" -I"$TOP/ringshm" -I"$TOP/tests" -I"$TOP/tests/abi" -I"$BUILD" "$@" -lpthread
}

# exchange PRODUCER CONSUMER : both at once over one named channel; what either says is kept.
exchange() {
	local name=abi-exchange-$$ producer rc
	timeout 60 "$1" produce "$name" $RECORDS &
	producer=$!
	timeout 60 "$2" consume "$name" $RECORDS
	rc=$?
	wait $producer || rc=1
	timeout 10 "$BUILD/tests/abi/exchange" unlink "$name" 0 || rc=1
	return $rc
}

# totals FILE... : "messages sum" lines added up, modulo 2^64.
totals() {
	local messages sum all=0 sums=0
	while read -r messages sum; do
		all=$((all + messages)) sums=$((sums + sum))
	done < <(cat "$@")
	say "$all $sums"
}

# crowd SHAPE PROGRAM... : all of them produce, and all consume, at once on one mpmc ring.
crowd() {
	local shape=$1 name=abi-crowd-$$ number=0 pid rc=0 producers=() consumers=()
	shift
	rm -f "$WORK"/sent.* "$WORK"/received.*
	for program in "$@"; do
		timeout 60 "$program" consume "$name" "$shape" 0 0 >"$WORK/received.$number" &
		consumers+=($!)
		timeout 60 "$program" produce "$name" "$shape" $number $MESSAGES >"$WORK/sent.$number" &
		producers+=($!)
		number=$((number + 1))
	done
	for pid in "${producers[@]}"; do wait "$pid" || rc=1; done
	timeout 10 "$1" shutdown "$name" "$shape" 0 0 || rc=1
	for pid in "${consumers[@]}"; do wait "$pid" || rc=1; done
	timeout 10 "$BUILD/tests/abi/exchange" unlink "$name" 0 || rc=1
	diff <(totals "$WORK"/sent.*) <(totals "$WORK"/received.*) &&
		[ "$(totals "$WORK"/sent.* | cut -d' ' -f1)" = $((number * MESSAGES)) ] && return $rc
}

# inherit SHAPE VICTIM SURVIVOR : one dies with slots on both sides, the other repairs them and finds the losses counted.
inherit() {
	local name=abi-inherit-$$ rc=0
	"$2" die "$name" "$1" 0 0 || rc=1
	timeout 60 "$3" survive "$name" "$1" 0 200 >"$WORK/survived" || rc=1
	timeout 10 "$BUILD/tests/abi/exchange" unlink "$name" 0 || rc=1
	diff <(say 'lost 2 1 repaired 3') "$WORK/survived" && return $rc
}

if ! command -v "$CC32" >/dev/null; then
	tap_skip 'no i686-linux-gnu-gcc here; run: apt-get install gcc-i686-linux-gnu' '32-bit programs see the same layout'
	tap_done
fi
tap_check 'the layout of a 32-bit program is the golden one' compile32 "$TOP/tests/abi/layout.c" -o "$WORK/layout"
tap_finds 'a word that stands elsewhere is noticed' 'static assertion failed: "?planted' \
	compile32 -DLAYOUT_PLANTED=52 "$TOP/tests/abi/layout.c" -o "$WORK/planted"
# All of the library but its poller and its table of channels, which need a 32-bit liburcu.
printf '#include "internal.h"\nvoid ringshm__table_add(struct ringshm *c) { (void)c; }\nvoid ringshm__table_remove(struct ringshm *c) { (void)c; }\n' >"$WORK/no_table.c"
mapfile -t library < <(find "$TOP/ringshm" -maxdepth 1 -name '*.c' ! -name poller.c ! -name rcu.c ! -name table.c)
library32() { mkdir "$WORK/library" && cd "$WORK/library" && compile32 -DRINGSHM_WITHOUT_LIBNUMA -c "$WORK/no_table.c" "${library[@]}"; }
tap_check 'the library compiles for 32 bits without a warning' library32
for program in exchange exchange_mpmc; do
	tap_check "$program links for 32 bits" compile32 "$TOP/tests/abi/$program.c" "$WORK"/library/*.o -o "$WORK/$program"
done
if ! "$WORK/layout" >"$WORK/layout.tap" 2>&1 && ! grep -q '^1\.\.' "$WORK/layout.tap"; then
	tap_skip 'this kernel runs no 32-bit programs' '32-bit and 64-bit programs exchange records'
	tap_done
fi
tap_check 'a 32-bit program finds no holes and no strange values' sh -c "! grep '^not ok' $WORK/layout.tap"
for pair in 64:32 32:64 32:32; do
	producer=$BUILD/tests/abi/exchange consumer=$BUILD/tests/abi/exchange
	[ "${pair%:*}" = 32 ] && producer=$WORK/exchange
	[ "${pair#*:}" = 32 ] && consumer=$WORK/exchange
	tap_check "${pair%:*}-bit producer, ${pair#*:}-bit consumer: every record arrives whole" \
		exchange "$producer" "$consumer"
done
compile32 -DEXCHANGE_PLANTED=1000 "$TOP/tests/abi/exchange_mpmc.c" "$WORK"/library/*.o -o "$WORK/planted_mpmc"
tap_finds 'a message that is missed is noticed' '> 119[0-9]{3} ' crowd compact "$BUILD/tests/abi/exchange_mpmc" "$WORK/planted_mpmc"
for shape in compact stamped; do
	tap_check "32-bit and 64-bit programs at one mpmc ring, $shape: every message arrives once, whole, in order" \
		crowd $shape "$BUILD/tests/abi/exchange_mpmc" "$WORK/exchange_mpmc"
	tap_check "a 32-bit program dies, a 64-bit one goes on, $shape: all losses counted" \
		inherit $shape "$WORK/exchange_mpmc" "$BUILD/tests/abi/exchange_mpmc"
	tap_check "a 64-bit program dies, a 32-bit one goes on, $shape: all losses counted" \
		inherit $shape "$BUILD/tests/abi/exchange_mpmc" "$WORK/exchange_mpmc"
done
tap_done
