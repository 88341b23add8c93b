#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# publish-host-keys: people's clients know a guest's host keys without asking anybody.

load file_guest

host_keys_of_connect() { jq -r '.host_keys[]' "$(ask ubuntu).answer"; }
host_keys_of_guest() { guest sh -c 'cut -d" " -f1,2 /etc/ssh/ssh_host_*_key.pub'; }
rows() { connectd audit --json | jq -r '.[] | select(.event == "host_keys") | "\(.vm_id) \(.reason) \(.source)"'; }

@test "published host keys are given to who connects, if the operator named none, and a change is in the trail" {
	connectd instance remove 42
	connectd instance add 42 --address "$GUEST_ADDRESS" --host "$GUEST_ADDRESS"
	[ -z "$(host_keys_of_connect)" ]
	run agent publish-host-keys
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *" host keys were published to http://169.254.169.254" ]]
	[ "$(host_keys_of_connect)" = "$(host_keys_of_guest)" ]
	agent publish-host-keys
	[ "$(rows)" = "42 first $GUEST_ADDRESS" ]
	guest ssh-keygen -q -t ed25519 -N '' -C 'root@secret-name' -f /etc/ssh/new_key
	agent publish-host-keys /etc/ssh/new_key.pub
	[ "$(host_keys_of_connect)" = "$(guest cut -d' ' -f1,2 /etc/ssh/new_key.pub)" ]
	[ "$(rows)" = "42 first $GUEST_ADDRESS
42 changed $GUEST_ADDRESS" ]
}

@test "host keys that the operator named are not replaced by what a guest says" {
	key=$(guest cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)
	connectd instance remove 42
	connectd instance add 42 --address "$GUEST_ADDRESS" --host "$GUEST_ADDRESS" --host-key "$key"
	guest sh -c '[ -e /etc/ssh/other_key ] || ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/other_key'
	agent publish-host-keys /etc/ssh/other_key.pub
	[ "$(host_keys_of_connect)" = "$key" ]
	[ "$(connectd instance list --json | jq -r '.[] | select(.vm_id == "42") | .guest_host_keys[]')" = "$(guest cut -d' ' -f1,2 /etc/ssh/other_key.pub)" ]
}

@test "with an endpoint that is down it ends in time and says what to do, and with --retry it gets through" {
	connectd_stop
	run agent publish-host-keys
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"the host keys were not published: "*"endpoint_unreachable"*"check metadata_url"* ]]
	agent publish-host-keys --retry 60 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	publisher=$!
	wait_for grep -q "not published, trying again" "$BATS_TEST_TMPDIR/out"
	connectd_start
	wait "$publisher"
	grep -q "host keys were published" "$BATS_TEST_TMPDIR/out"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -eq 2 ]
}

@test "what is no host key is named, and wrong arguments are refused" {
	guest sh -c 'echo nonsense >/etc/ssh/nonsense.pub'
	run agent publish-host-keys /etc/ssh/nonsense.pub
	[ "$status" -eq 1 ]
	[[ "$output" == *"/etc/ssh/nonsense.pub: not a public host key"* ]]
	run agent publish-host-keys /etc/ssh/missing.pub
	[ "$status" -eq 1 ]
	[[ "$output" == *"/etc/ssh/missing.pub: No such file"* ]]
	for arguments in "--retry" "--retry 9999" "--retry 1s" "--other"; do
		# shellcheck disable=SC2086 # a list
		run agent publish-host-keys $arguments
		[ "$status" -eq 2 ]
		[[ "$output" == *"Usage: exc-instance-connect publish-host-keys"* ]]
	done
}
