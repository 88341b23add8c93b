#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The package's own tests, run by autopkgtest, which installs what they need by itself.

load file_machine

@test "the package's own tests pass on an installed package" {
	key=$GUEST_DIR/keys/root
	ssh-keygen -q -t ed25519 -N '' -f "$key"
	guest install -d -m 0700 /root/.ssh
	guest install -m 0600 /dev/stdin /root/.ssh/authorized_keys <"$key.pub"
	# Everything of the documented sequence but the installing
	guest bash -euc "$(document_block docs/install.md "Install from a repository" 1 | sed '$d')"
	mkdir "$BATS_TEST_TMPDIR/source"
	cp -r "$tree/debian" "$BATS_TEST_TMPDIR/source/"
	touch "$BATS_TEST_TMPDIR/source/debian/files" # it is built, so that no compiler is asked for
	run operator autopkgtest --no-built-binaries --output-dir "$BATS_TEST_TMPDIR/results" "$BATS_TEST_TMPDIR/source" \
		-- ssh -H "$GUEST_ADDRESS" -l root -i "$key" --capability=isolation-container --timeout-ssh="$WAIT_SECONDS"
	echo "$output"
	cat "$BATS_TEST_TMPDIR/results/summary"
	[ "$status" -eq 0 ]
	[ "$(grep -c ' PASS$' "$BATS_TEST_TMPDIR/results/summary")" -eq "$(grep -c '^Tests:' "$tree/debian/tests/control")" ]
}
