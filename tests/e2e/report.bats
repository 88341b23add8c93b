#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# report: every receipt arrives, once, whatever happens to the endpoint meanwhile.

load file_guest

setup() {
	file_guest_ready
	guest sh -c 'rm -f /var/lib/exc-instance-connect/receipts/*'
}

waiting() { guest sh -c 'ls /var/lib/exc-instance-connect/receipts' | wc -l; }
used_rows() { connectd audit --json --limit 1000 | jq '[.[] | select(.event == "used")] | length'; }

# report, killed at its first removal of a receipt
agent_traced() {
	guest strace -f -e inject=unlinkat:signal=KILL:when=1 -o /dev/null \
		setpriv --reuid exc-instance-connect --regid exc-instance-connect --clear-groups \
		/usr/bin/exc-instance-connect report
}

@test "receipts wait for an endpoint that is down, and arrive once each when it is back" {
	before=$(used_rows)
	for i in 1 2 3; do login "$(ask ubuntu)" ubuntu true; done
	connectd_stop
	run agent report
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"3 receipts were not sent: "*"endpoint_unreachable"* ]]
	[ "$(waiting)" -eq 3 ]
	agent report --retry 60 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	reporter=$!
	wait_for grep -q "3 receipts were not sent" "$BATS_TEST_TMPDIR/out"
	connectd_start
	wait "$reporter"
	[ "$(waiting)" -eq 0 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
	[ "$(used_rows)" -eq $((before + 3)) ]
}

@test "a run that tries again does so with a new fetch program when that has ended" {
	login "$(ask ubuntu)" ubuntu true
	connectd_stop
	agent report --retry 60 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	reporter=$!
	wait_for grep -q "1 receipts were not sent" "$BATS_TEST_TMPDIR/out"
	guest pkill -KILL -x fetch
	connectd_start
	wait "$reporter"
	[ "$(waiting)" -eq 0 ]
}

@test "many runs at once send each receipt once" {
	for i in 1 2 3 4; do login "$(ask ubuntu)" ubuntu true; done
	endpoint_start record "$BATS_TEST_TMPDIR/requests"
	runs=()
	for i in 1 2 3 4 5 6; do
		agent report 3>&- &
		runs+=("$!")
	done
	wait "${runs[@]}"
	endpoint_stop
	[ "$(waiting)" -eq 0 ]
	cat "$BATS_TEST_TMPDIR/requests"
	[ "$(cat "$BATS_TEST_TMPDIR/requests")" = "POST /v1/instance-connect/receipts" ]
}

@test "a run that is killed between sending and removing loses nothing and counts nothing twice" {
	before=$(used_rows)
	for i in 1 2; do login "$(ask ubuntu)" ubuntu true; done
	run agent_traced
	[ "$(waiting)" -eq 2 ]
	agent report
	[ "$(waiting)" -eq 0 ]
	[ "$(used_rows)" -eq $((before + 2)) ]
}

@test "a wrong --retry is refused" {
	run agent report --retry soon
	[ "$status" -eq 2 ]
	[[ "$output" == *"Usage: exc-instance-connect report [--retry SECONDS]"* ]]
}

@test "receipts with long commands are sent in as many requests as the endpoint takes" {
	guest sh -c 'cd /var/lib/exc-instance-connect/receipts && for i in $(seq 100 139); do
		printf "{\"jti\":\"%s\",\"command\":\"%02000d\"}" "aaaaaaaaaaaaaaaaaaaaa$i" 0 >"$i.json"; done &&
		chown exc-instance-connect: *.json'
	endpoint_start record "$BATS_TEST_TMPDIR/requests"
	agent report
	endpoint_stop
	[ "$(waiting)" -eq 0 ]
	[ "$(grep -c '^POST' "$BATS_TEST_TMPDIR/requests")" -eq 2 ]
	# The control plane takes them, too, and has room for what it knows.
	guest sh -c 'cd /var/lib/exc-instance-connect/receipts && for i in $(seq 100 139); do
		printf "{\"jti\":\"%s\",\"command\":\"%02000d\"}" "aaaaaaaaaaaaaaaaaaaaa$i" 0 >"$i.json"; done &&
		chown exc-instance-connect: *.json'
	agent report
	[ "$(waiting)" -eq 0 ]
}
