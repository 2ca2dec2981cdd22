# SPDX-License-Identifier: MIT
# Dialects, warnings and visibility: every flag is probed by itself, so that a compiler
# which does not know one still builds.

# RINGSHM_COMPILE_FLAGS
# Sets AM_CPPFLAGS, AM_CFLAGS, AM_CXXFLAGS and AM_LDFLAGS for every Makefile. A program with flags
# of its own writes prog_CFLAGS = $(AM_CFLAGS) ..., or it loses the warnings and the sanitizers.
AC_DEFUN([RINGSHM_COMPILE_FLAGS], [
AC_ARG_ENABLE([werror],
	[AS_HELP_STRING([--enable-werror], [treat warnings as errors (for developers)])],
	[], [enable_werror=no])

ringshm_warnings="-Wall -Wextra -Wundef -Wvla -Wformat=2 -Wpointer-arith dnl
-Wwrite-strings -Wdate-time -Wimplicit-fallthrough -Wlogical-op -Wduplicated-cond dnl
-Wduplicated-branches -Walloca"
# No -Wshadow for C++: g++ objects to a function that is called as a structure, as stat() is.
ringshm_c_warnings="-Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations dnl
-Wold-style-definition -Wnested-externs"
ringshm_cxx_warnings="-Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast"

# -Werror while probing: clang only warns about a warning flag that it does not know.
AX_APPEND_COMPILE_FLAGS([-std=gnu11], [AM_CFLAGS])
AX_APPEND_COMPILE_FLAGS([$ringshm_warnings $ringshm_c_warnings], [AM_CFLAGS], [-Werror])
AX_APPEND_COMPILE_FLAGS([-fvisibility=hidden -fno-common], [AM_CFLAGS], [-Werror])
# Empty, so that a file which also says "#define _GNU_SOURCE" (to be copied alone) says the same.
AX_APPEND_FLAG([-D_GNU_SOURCE=], [AM_CFLAGS])
AS_VAR_IF([enable_werror], [yes], [AX_APPEND_FLAG([-Werror], [AM_CFLAGS])])
AX_APPEND_FLAG([$SANITIZE_FLAGS], [AM_CFLAGS])

have_cxx17=no
AC_LANG_PUSH([C++])
AX_CHECK_COMPILE_FLAG([-std=c++17], [have_cxx17=yes
	AX_APPEND_FLAG([-std=c++17], [AM_CXXFLAGS])
	AX_APPEND_COMPILE_FLAGS([$ringshm_warnings $ringshm_cxx_warnings], [AM_CXXFLAGS], [-Werror])
	AX_APPEND_COMPILE_FLAGS([-fvisibility=hidden], [AM_CXXFLAGS], [-Werror])
	AS_VAR_IF([enable_werror], [yes], [AX_APPEND_FLAG([-Werror], [AM_CXXFLAGS])])
	AX_APPEND_FLAG([$SANITIZE_FLAGS], [AM_CXXFLAGS])])
AC_LANG_POP([C++])
AM_CONDITIONAL([HAVE_CXX17], [test "$have_cxx17" = yes])

AX_APPEND_LINK_FLAGS([-Wl,--as-needed -Wl,-z,relro -Wl,-z,now], [AM_LDFLAGS], [-Werror])
AX_APPEND_FLAG([$SANITIZE_FLAGS], [AM_LDFLAGS])

# 64-bit file offsets also on 32-bit machines: both sizes of program share channels.
AM_CPPFLAGS='-I$(top_srcdir)/include -D_FILE_OFFSET_BITS=64'
AC_SUBST([AM_CPPFLAGS])
AC_SUBST([AM_CFLAGS])
AC_SUBST([AM_CXXFLAGS])
AC_SUBST([AM_LDFLAGS])
])
