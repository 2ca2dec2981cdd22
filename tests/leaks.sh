#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a test program of Criterion's under AddressSanitizer: a leak in a test's process fails it, though Criterion lets
# a test pass whose process says so at its end. Usage: tests/leaks.sh PROGRAM...
OUT=$(mktemp)
trap 'rm -f "$OUT"' EXIT

"$@" >"$OUT" 2>&1
RC=$?
cat "$OUT"
[ $RC -ne 0 ] || ! grep -q 'ERROR: LeakSanitizer' "$OUT" || RC=99
exit $RC
