# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# One booted guest for all the tests of a bats file, which has a function of its own in place of each of these that
# does not do.

load machine

setup_file() { file_machine_start; }
teardown_file() { machine_stop; }
setup() { file_machine_ready; }
