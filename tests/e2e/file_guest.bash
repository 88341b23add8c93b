# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# One guest for all the tests of a bats file, which has a function of its own in place of each of these that does
# not do.

load guest

setup_file() { file_guest_start; }
teardown_file() { file_guest_stop; }
setup() { file_guest_ready; }
