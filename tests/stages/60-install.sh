#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does what make install puts down serve a stranger? Builds README.md's quickstart with README.md's
# own line against it, and runs it.
# timeout: 180
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
ROOT=$WORK/root
PREFIX=/usr/local

# block LANGUAGE HEADING [FILE] : the first fenced block of that language below that heading, of README.md or FILE.
block() {
	awk -v fence="\`\`\`$1" -v heading="$2" '
		$0 == heading { below = 1 }
		inside && /^```$/ { exit }
		inside { print }
		below && $0 == fence { inside = 1 }' "$TOP/${3:-README.md}"
}

# The installed tree stands elsewhere until somebody installs it for good; README.md's words stay.
export PKG_CONFIG_PATH=$ROOT$PREFIX/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$ROOT
export LD_LIBRARY_PATH=$ROOT$PREFIX/lib

in_work() { (cd "$WORK" && "$@"); }
same() { diff <(say "$1") <(say "$2"); }

tap_check 'make install' build_tree "$TREE" install DESTDIR="$ROOT"
for file in include/ringshm/ringshm.h lib/libringshm.so lib/libringshm.a lib/pkgconfig/ringshm.pc bin/ringshm; do
	tap_check "installs $file" test -e "$ROOT$PREFIX/$file"
done
tap_check 'nothing installed names the place it was built in' \
	bash -c '! grep -rlF "$1" "$2"' - "$TOP/" "$ROOT$PREFIX/lib/pkgconfig" "$ROOT$PREFIX/include"

# Some readers of pkg-config files take the last of two, others refuse them.
once() { ! sed -n 's/^\([A-Z][A-Za-z.]*\):.*/\1/p' "$ROOT$PREFIX/lib/pkgconfig/ringshm.pc" | sort | uniq -d | grep .; }
tap_check 'no field stands twice in ringshm.pc' once

block c '## Quickstart' >"$WORK/hello.c"
block sh '## Quickstart' >"$WORK/quickstart.sh"
expected=$(block text '## Quickstart')
tap_check 'README.md has a quickstart of about 20 lines' \
	awk '/[^ \t]/ { n++ } END { exit !(n >= 10 && n <= 26) }' "$WORK/hello.c"
tap_check "README.md's commands use pkg-config" grep -q 'pkg-config --cflags --libs ringshm' "$WORK/quickstart.sh"
tap_check "README.md's commands build it and say what README.md says" same "$(in_work timeout 30 sh -e quickstart.sh 2>&1)" "$expected"
tap_check 'the program was really built' test -x "$WORK/hello"
tap_check 'it builds without a warning' \
	in_work sh -c "gcc -std=c11 -pedantic-errors -D_DEFAULT_SOURCE -Wall -Wextra -Werror -c hello.c $(pkg-config --cflags ringshm)"
tap_check 'it builds as C++17' in_work sh -c "g++ -std=c++17 -Wall -Wextra -Werror -x c++ -c hello.c $(pkg-config --cflags ringshm)"
tap_check 'it links with the static library and runs' \
	in_work sh -c "gcc hello.c -o hello-static $(pkg-config --cflags ringshm) $ROOT$PREFIX/lib/libringshm.a $(pkg-config --static --libs-only-l ringshm | sed 's/-lringshm//') && (timeout 20 ./hello-static & timeout 20 ./hello-static static; wait) | grep -qx 'received: static'"
# learn PROGRAM HEADING : the guide's program under that heading, by the guide's own lines, prints what the guide says.
learn() {
	local flags
	read -ra flags < <(pkg-config --cflags ringshm)
	block c "$2" docs/guide.md >"$WORK/$1.c"
	block sh "$2" docs/guide.md >"$WORK/$1.sh"
	test -s "$WORK/$1.c" && in_work gcc -std=gnu11 -Wall -Wextra -Werror -c "$1.c" -o "$1.o" "${flags[@]}" &&
		in_work g++ -std=c++20 -Wall -Wextra -Werror -x c++ -c "$1.c" -o "$1.o" "${flags[@]}" &&
		same "$(in_work timeout 30 sh -e "$1.sh" 2>&1)" "$(block text "$2" docs/guide.md)"
}
tap_check "the guide's first program builds and does what it says" learn ticks '## A first program'
tap_check "the guide's job queue builds and does what it says" learn jobs '## Many to many'
tap_check 'each function has a manual page' bash -c 'for name in $(grep -oE "\bringshm_[a-z0-9_]+;" "$1" | tr -d ";"); do
	test -e "$2/man3/${name%_as}.3" || exit 1; done' - "$TOP/ringshm/libringshm.map" "$ROOT$PREFIX/share/man"
tap_check 'the installed command runs' "$ROOT$PREFIX/bin/ringshm" --version
tap_check 'make uninstall' build_tree "$TREE" uninstall DESTDIR="$ROOT"
tap_check 'and leaves no file behind' same "$(find "$ROOT" ! -type d)" ''
tap_done
