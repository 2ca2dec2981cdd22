#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Is the tarball whole: does it build, pass the quick tests, install and uninstall from read-only sources?
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/tap.sh"

# Shared only: the static library was installed and tried a stage ago.
tap_check 'make distcheck' build_tree "$TREE" distcheck DISTCHECK_CONFIGURE_FLAGS='--disable-static'
tap_done
