#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The walls around the agent, with the release's own C library, OpenSSL and ways to look up names.

load file_machine
load ../e2e/front

setup_file() {
	file_machine_allowed || return 0
	machine_start
	install_package
	guest_trust
	fronts_start
}

teardown_file() {
	fronts_stop
	machine_stop
}

@test "doctor says that seccomp and the limits stand, and what the kernel has of Landlock" {
	guest exc-instance-connect doctor --json >"$BATS_TEST_TMPDIR/json" || true
	jq -r '.findings[] | select(.name == "sandbox")' "$BATS_TEST_TMPDIR/json" | tee "$BATS_TEST_TMPDIR/found"
	jq -e '.level == "good" and (.text | startswith("no new privileges, resource limits") and test("seccomp$|seccomp;"))' \
		"$BATS_TEST_TMPDIR/found"
}

@test "one-time keys log in, with the journal and the ledger inside" {
	logs_in_by "http://$METADATA_ADDRESS"
	logs_in_by "http://[fd97::2]:8080"
}

@test "one-time keys log in by https" {
	logs_in_by https://127.0.0.2:8443
}

@test "one-time keys log in by a name in /etc/hosts" {
	name_in_hosts metadata.test 127.0.0.2
	logs_in_by_name metadata.test
	name_in_hosts
}

@test "one-time keys log in by a name in the DNS" {
	name_in_dns metadata.test 127.0.0.2
	logs_in_by_name metadata.test
}
