#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the scripts share: installing packages, building trees, running programs under a limit.
# To be sourced. Works from any directory; nothing reads standard input.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JOBS=${JOBS:-$(nproc)}

# One tree a compiler or sanitizer; build/ is the one that people run programs from.
TREE=$TOP/build
CLANG_TREE=$TOP/build-clang
ASAN_TREE=$TOP/build-asan
TSAN_TREE=$TOP/build-tsan

say() { printf '%s\n' "$*"; }
die() { printf 'ringshm: %s\n' "$*" >&2; exit 1; }

# ---- packages -------------------------------------------------------------------------------

# package_names LIST... : the names in scripts/packages/LIST.txt, without the reasons.
package_names() {
	local list
	for list in "$@"; do
		sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$TOP/scripts/packages/$list.txt"
	done
}

# missing_packages NAME... : those of them that are not installed.
missing_packages() {
	local name
	for name in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || say "$name"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "installing packages needs root: run this script as root, or install sudo, or have an administrator install the packages just named"
	fi
}

apt_quiet() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null >>"$APT_LOG" 2>&1
}

# install_packages LIST... : what the lists name and this machine lacks. Nothing to do costs no apt.
install_packages() {
	local missing names
	command -v dpkg-query >/dev/null ||
		die "this machine has no dpkg: the scripts know Debian 12; elsewhere install what scripts/packages/ names and follow README.md"
	mapfile -t names < <(package_names "$@")
	mapfile -t missing < <(missing_packages "${names[@]}")
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing: ${missing[*]}"
	APT_LOG=$(mktemp)
	# A machine whose package lists are fresh enough needs no update; one without gets it.
	apt_quiet install -y --no-install-recommends "${missing[@]}" ||
		{ apt_quiet update && apt_quiet install -y --no-install-recommends "${missing[@]}"; } || {
		grep -E '^[EW]:' "$APT_LOG" | sort -u | tail -20 >&2
		say "apt's whole output: $APT_LOG" >&2
		die "could not install: ${missing[*]}. Check /etc/apt/sources.list and the network, then run: apt-get update && apt-get install ${missing[*]}"
	}
	rm -f "$APT_LOG"
}

# ---- build trees ----------------------------------------------------------------------------

# configure_tree TREE [ARGUMENT...] : TREE configured with just these arguments; one that was
# configured otherwise is made anew, because its objects would be mixed.
configure_tree() {
	local tree=$1 wanted stamp
	shift
	wanted="$*"
	stamp=$tree/.configured-with
	[ -e "$TOP/configure" ] || (cd "$TOP" && autoreconf -fi) >"$TOP/autoreconf.log" 2>&1 || {
		tail -20 "$TOP/autoreconf.log" >&2
		return 1
	}
	rm -f "$TOP/autoreconf.log"
	[ -e "$tree/config.status" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return 0
	rm -rf "$tree"
	mkdir -p "$tree"
	(cd "$tree" && "$TOP/configure" "$@" >configure.out 2>&1) || {
		tail -20 "$tree/configure.out" >&2
		return 1
	}
	say "$wanted" >"$stamp"
}

# build_tree TREE [TARGET...] : quiet when all is well; the compiler's words when not.
build_tree() {
	local tree=$1
	shift
	make -C "$tree" -j"$JOBS" -s --no-print-directory "$@" >"$tree/make.out" 2>&1 && return 0
	# Without make's and configure's progress, which would push the error out of sight.
	grep -vE '^(make|checking |config\.status: |configure: |Making |  (CC|CXX|CCLD|CXXLD|GEN) |# |=+$|PASS: |$)' \
		"$tree/make.out" | tail -60 >&2
	return 1
}

# build_tests TREE : everything, the test programs included, running none.
build_tests() {
	build_tree "$1" all && build_tree "$1" check TESTS=
}

# listed TREE DIRECTORY TARGET : what that target prints as "listed NAME", names only; make itself may
# talk in between, when it brings the tree up to date.
listed() {
	make -C "$1/$2" -s --no-print-directory "$3" </dev/null | sed -n 's/^listed //p'
}

# tests_of TREE DIRECTORY [all|asan|tsan] : names of the test programs of tests/DIRECTORY.
tests_of() {
	local target=print-tests
	[ "${3:-all}" = all ] || target=print-$3-tests
	listed "$1" "tests/$2" "$target"
}

# public_headers TREE : as ringshm/NAME.h, those that make install installs.
public_headers() {
	listed "$1" include print-headers
}

# Limits are what a quiet machine needs with room to spare; a busy one gets a multiple.
PATIENCE=${RINGSHM_CHECK_PATIENCE:-3}
