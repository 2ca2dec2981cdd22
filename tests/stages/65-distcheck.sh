#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Is the tarball whole: does it build, pass the quick tests, install and uninstall from read-only sources?
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

# Shared only, since the static library was tried a stage ago, and not optimized: this is about files.
tap_check 'make distcheck' build_tree "$TREE" distcheck DISTCHECK_CONFIGURE_FLAGS='--disable-static CFLAGS=-O0 CXXFLAGS=-O0'
tap_done
