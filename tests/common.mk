# SPDX-License-Identifier: MIT
# What every directory of tests shares. Programs are named in check_PROGRAMS; those of them that are
# no tests by themselves also in HELPERS; those that also make sense under a sanitizer in ASAN_TESTS
# and TSAN_TESTS; those that `make check` runs in TESTS. Tests written in shell are NAME.sh in the
# source, know the trees as @top_srcdir@ and @top_builddir@, and are named in check_SCRIPTS.
# TEST_LIBS: a directory's own libraries, before the one they use, as static linking wants it.
LDADD = $(TEST_LIBS) $(top_builddir)/ringshm/libringshm.la

# The stages of scripts/check.sh ask what there is to run instead of keeping a second list.
.PHONY: print-tests print-asan-tests print-tsan-tests
print-tests:
	@for t in $(check_PROGRAMS) $(check_SCRIPTS); do case " $(HELPERS) " in *" $$t "*) ;; *) echo "listed $$t" ;; esac; done
print-asan-tests:
	@for t in $(ASAN_TESTS); do echo "listed $$t"; done
print-tsan-tests:
	@for t in $(TSAN_TESTS); do echo "listed $$t"; done

AM_CPPFLAGS += -I$(top_srcdir)/tests

SUFFIXES = .sh
.sh:
	$(AM_V_GEN)sed -e 's|@top_srcdir[@]|$(abs_top_srcdir)|g' -e 's|@top_builddir[@]|$(abs_top_builddir)|g' $< >$@ && chmod +x $@
CLEANFILES = $(check_SCRIPTS)
