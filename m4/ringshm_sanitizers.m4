# SPDX-License-Identifier: MIT
# --enable-asan and --enable-tsan.

# RINGSHM_SANITIZERS
# Sets SANITIZE_FLAGS (for compiling and linking) and the conditionals ASAN and TSAN.
AC_DEFUN([RINGSHM_SANITIZERS], [
AC_ARG_ENABLE([asan],
	[AS_HELP_STRING([--enable-asan], [build with AddressSanitizer and UndefinedBehaviorSanitizer])],
	[], [enable_asan=no])
AC_ARG_ENABLE([tsan],
	[AS_HELP_STRING([--enable-tsan], [build with ThreadSanitizer])],
	[], [enable_tsan=no])
AS_CASE([$enable_asan,$enable_tsan],
	[yes,yes], [AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other: use two build trees])],
	[yes,*], [ringshm_sanitizers="address, undefined"
		SANITIZE_FLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"],
	[*,yes], [ringshm_sanitizers=thread
		SANITIZE_FLAGS="-fsanitize=thread -fno-omit-frame-pointer"],
	[SANITIZE_FLAGS=])
AS_IF([test -n "$SANITIZE_FLAGS"], [
	AC_MSG_CHECKING([whether $CC links with $SANITIZE_FLAGS])
	ringshm_saved_cflags=$CFLAGS
	CFLAGS="$CFLAGS $SANITIZE_FLAGS"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])
		AC_MSG_ERROR([$CC has no runtime for $ringshm_sanitizers; run: apt-get install libgcc-12-dev, or libclang-rt-14-dev for clang])])
	CFLAGS=$ringshm_saved_cflags])
AC_SUBST([SANITIZE_FLAGS])
AM_CONDITIONAL([ASAN], [test "$enable_asan" = yes])
AM_CONDITIONAL([TSAN], [test "$enable_tsan" = yes])
])
