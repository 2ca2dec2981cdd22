#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do 32-bit programs see the same layout, and do they share channels with 64-bit ones? Prints TAP.
. "@top_srcdir@/scripts/tap.sh"

BUILD=@top_builddir@
CC32=i686-linux-gnu-gcc
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
RECORDS=20000

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
tap_check 'the library compiles for 32 bits without a warning' \
	compile32 -DRINGSHM_WITHOUT_LIBNUMA "$TOP/tests/abi/exchange.c" "$WORK/no_table.c" "${library[@]}" -o "$WORK/exchange"
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
tap_done
