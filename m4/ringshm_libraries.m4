# SPDX-License-Identifier: MIT
# Other people's libraries: what each one is for, and what is left out without it.

# RINGSHM_LIBRARIES
AC_DEFUN([RINGSHM_LIBRARIES], [
# The library itself.
PKG_CHECK_MODULES([URCU], [liburcu-bp >= 0.13], [],
	[AC_MSG_ERROR([liburcu is missing; run: apt-get install liburcu-dev])])
# It does without libnuma: then a channel cannot ask for a node.
AC_ARG_WITH([numa],
	[AS_HELP_STRING([--without-numa], [build without libnuma: config.node is then refused])],
	[], [with_numa=check])
have_numa=no
AS_VAR_IF([with_numa], [no], [], [
	PKG_CHECK_MODULES([NUMA], [numa],
		[AC_CHECK_LIB([numa], [numa_available], [have_numa=yes], [have_numa=no], [$NUMA_LIBS])], [have_numa=no])
	AS_IF([test "$with_numa,$have_numa" = yes,no],
		[AC_MSG_ERROR([--with-numa was given and libnuma is missing; run: apt-get install libnuma-dev])])])
AS_VAR_IF([have_numa], [yes],
	[AC_DEFINE([HAVE_LIBNUMA], [1], [Define to 1 to place memory on NUMA nodes.])
	NUMA_REQUIRES=numa
	with_numa_text=yes],
	[NUMA_CFLAGS= NUMA_LIBS=
	with_numa_text="no (apt-get install libnuma-dev)"])
AC_SUBST([NUMA_REQUIRES])

# Tools, examples, tests and bench.
PKG_CHECK_MODULES([PCAP], [libpcap >= 1.8], [have_pcap=yes], [have_pcap=no])
PKG_CHECK_MODULES([ZLIB], [zlib], [have_zlib=yes], [have_zlib=no])
PKG_CHECK_MODULES([CRITERION], [criterion >= 2.3], [have_criterion=yes], [have_criterion=no])
PKG_CHECK_MODULES([NCURSES], [ncursesw], [have_ncurses=yes], [have_ncurses=no])
PKG_CHECK_MODULES([JANSSON], [jansson >= 2.10], [],
	[AC_MSG_ERROR([jansson is missing, with which the ringshm command prints JSON; run: apt-get install libjansson-dev])])
RINGSHM_BENCH_LIBRARIES
AC_SEARCH_LIBS([argp_parse], [argp], [],
	[AC_MSG_ERROR([argp_parse is missing: glibc has it, elsewhere install argp-standalone])])

AM_CONDITIONAL([HAVE_MARKETDATA], [test "$have_pcap,$have_zlib" = yes,yes])
AM_CONDITIONAL([HAVE_ZLIB], [test "$have_zlib" = yes])
AM_CONDITIONAL([HAVE_CRITERION], [test "$have_criterion" = yes])
AM_CONDITIONAL([HAVE_BENCHMARK], [test "$have_benchmark,$have_cxx17" = yes,yes])
AM_CONDITIONAL([HAVE_NCURSES], [test "$have_ncurses" = yes])

AM_COND_IF([HAVE_CRITERION], [with_criterion_text=yes],
	[with_criterion_text="no (apt-get install libcriterion-dev)"])
AM_COND_IF([HAVE_MARKETDATA], [with_marketdata_text=yes],
	[with_marketdata_text="no (apt-get install libpcap-dev zlib1g-dev)"])
AM_COND_IF([HAVE_BENCHMARK], [with_benchmark_text=yes],
	[AS_VAR_IF([enable_bench], [no], [with_benchmark_text="no (--disable-bench)"],
		[with_benchmark_text="no (apt-get install g++ libbenchmark-dev)"])])
with_peers_text="DPDK $have_dpdk, ck $have_ck, boost $have_boost, moodycamel $have_moodycamel and $have_concurrentqueue, TBB $have_tbb"
AM_COND_IF([HAVE_NCURSES], [with_ncurses_text=yes],
	[with_ncurses_text="no (apt-get install libncurses-dev)"])
])

# RINGSHM_BENCH_LIBRARIES
# Google Benchmark, and the peers of the benchmarks: their headers only, each of which may be missing.
AC_DEFUN([RINGSHM_BENCH_LIBRARIES], [
AC_ARG_ENABLE([bench],
	[AS_HELP_STRING([--disable-bench], [leave the benchmarks out: they compile longest])],
	[], [enable_bench=yes])
have_benchmark=no have_dpdk=no have_ck=no have_boost=no have_moodycamel=no have_concurrentqueue=no have_tbb=no
AS_VAR_IF([enable_bench], [no], [], [
PKG_CHECK_MODULES([BENCHMARK], [benchmark], [have_benchmark=yes], [have_benchmark=no])
PKG_CHECK_MODULES([DPDK], [libdpdk >= 20.11], [have_dpdk=yes
	AC_DEFINE([HAVE_DPDK], [1], [Define to 1 to compare with DPDK's rte_ring.])
	DPDK_CFLAGS=$(AS_ECHO(["$DPDK_CFLAGS"]) | sed 's/-I */-isystem /g')], [have_dpdk=no])
PKG_CHECK_MODULES([CK], [ck >= 0.6], [have_ck=yes
	AC_DEFINE([HAVE_CK], [1], [Define to 1 to compare with Concurrency Kit's ck_ring.])], [have_ck=no])
PKG_CHECK_MODULES([TBB], [tbb >= 2021], [have_tbb=yes
	AC_DEFINE([HAVE_TBB], [1], [Define to 1 to compare with oneTBB's concurrent_bounded_queue.])
	TBB_CFLAGS=$(AS_ECHO(["$TBB_CFLAGS"]) | sed 's/-I */-isystem /g')], [have_tbb=no])
AC_LANG_PUSH([C++])
AC_CHECK_HEADER([boost/lockfree/spsc_queue.hpp], [have_boost=yes
	AC_DEFINE([HAVE_BOOST_LOCKFREE], [1], [Define to 1 to compare with boost::lockfree.])], [have_boost=no])
AC_CHECK_HEADER([readerwriterqueue.h], [have_moodycamel=yes
	AC_DEFINE([HAVE_READERWRITERQUEUE], [1], [Define to 1 to compare with moodycamel::ReaderWriterQueue.])],
	[have_moodycamel=no])
AC_CHECK_HEADER([concurrentqueue/concurrentqueue.h], [have_concurrentqueue=yes
	AC_DEFINE([HAVE_CONCURRENTQUEUE], [1], [Define to 1 to compare with moodycamel::ConcurrentQueue.])],
	[have_concurrentqueue=no])
AC_LANG_POP([C++])
])
])
