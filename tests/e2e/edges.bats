#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What strangers try at the edges of the control plane: requests for protocols that it does not speak, which
# must neither be served nor make it read memory that it has freed; and text that is meant for a terminal.

load control

setup() {
	control_setup
	TOKEN=$(connectd token add user:ana --instance 42)
}

teardown() { control_teardown; }

# The sanitizers do not see what libwebsockets reads, and valgrind does.
start_watched() {
	cat >"$GUEST_DIR/watched" <<-'END'
		#!/bin/sh
		exec valgrind --quiet --error-exitcode=99 --log-file="$WATCHED.errors" "$WATCHED" "$@"
	END
	chmod 0755 "$GUEST_DIR/watched"
	ln -s "$PROGRAM" "$GUEST_DIR/exc-connectd"
	WATCHED=$GUEST_DIR/exc-connectd PROGRAM=$GUEST_DIR/watched WAIT_SECONDS=120 start
}

# Nothing was read or written that was not its own, to the end.
stop_watched() {
	local status=0
	kill "$PID"
	wait "$PID" || status=$?
	PID=
	cat "$GUEST_DIR/exc-connectd.errors"
	[ "$status" -eq 0 ]
	[ ! -s "$GUEST_DIR/exc-connectd.errors" ]
}

@test "a request for a protocol other than WebSocket is refused and ends its connection, and no freed memory is read" {
	start_watched
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	"$PYTHON" "$BATS_TEST_DIRNAME/edges.py" "$COMPUTE" /healthz compute.not_found \
		"/compute/instance/connect/tunnel/$(field .id)"
	"$PYTHON" "$BATS_TEST_DIRNAME/edges.py" "$METADATA" '/v1/instance-connect/grants?user=ubuntu' metadata.not_found
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	metadata 'grants?user=ubuntu'
	[ "$code" = 200 ]
	stop_watched
}

# is_plain FILE: only lines of printable ASCII, and tabs
is_plain() { [ -s "$1" ] && ! LC_ALL=C grep -anP '[^ -~\t]' "$1"; }

# What ends a line, moves a cursor or turns letters round: as a JSON string, and as the bytes that SQLite makes of it
EVIL='x\n2026-01-01T00:00:00Z issued caller=user:boss \u001b[2J\u001b]0;t\u0007\r\u009b31m\u202e\u007f\" event=\"issued'
EVIL_SQL="'x' || char(10) || '2026-01-01T00:00:00Z issued caller=user:boss ' || char(27, 91, 50, 74, 13, 155, 8238, 127) || x'ff9b' || '\" event=\"issued'"

@test "the address in a guest's receipt is an address or nothing" {
	start
	report() {
		connect '{"vm_id":42,"user":"ubuntu"}'
		metadata receipts --data-binary "{\"receipts\":[{\"jti\":\"$(last_grant)\",\"used_at\":1,\"client\":$1}]}"
		[ "$code" = 204 ]
		rows used | tail -n 1 | jq -r '.source'
	}
	for address in 198.51.100.7 2001:db8::7 fe80::1%eth0; do
		[ "$(report "\"$address\"")" = "$address" ]
	done
	for other in "\"$EVIL\"" '"UNKNOWN"' '"vm.example"' '"198.51.100.7 x"' '"198.51.100.0/24"' '"fe80::1%\u001b"' \
		"\"$(printf '1%.0s' {1..500})\"" 7 null '["198.51.100.7"]'; do
		[ "$(report "$other")" = null ]
	done
	connectd audit >"$GUEST_DIR/printed"
	is_plain "$GUEST_DIR/printed"
	is_plain "$GUEST_DIR/log"
	[ "$(grep -c ' used ' "$GUEST_DIR/printed")" -eq 13 ]
	run grep user:boss "$GUEST_DIR/printed" "$GUEST_DIR/log"
	[ "$status" -eq 1 ]
}

@test "a statement's name cannot write lines or control a terminal, in policy test, in audit and in the log" {
	start
	connectd policy put evil - <<<"{\"Statements\":[{\"Sid\":\"$EVIL\",\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}"
	connectd policy attach evil user:ana
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 403 ]
	for command in "policy test --principal user:ana --action a --resource b" "policy show evil" audit "audit --json" "audit export --json"; do
		# shellcheck disable=SC2086 # words
		connectd $command >"$GUEST_DIR/printed" || [[ "$command" == "policy test"* ]]
		echo "$command"
		is_plain "$GUEST_DIR/printed"
		[ "$(grep -c '^2026-01-01T' "$GUEST_DIR/printed")" -eq 0 ]
		[ "$command" != audit ] || [ "$(grep -c ' event="issued' "$GUEST_DIR/printed")" -eq 0 ]
	done
	is_plain "$GUEST_DIR/log"
	# Nothing is lost by it
	[ "$(connectd policy show evil | jq -r '.Statements[0].Sid')" = "$(jq -nr "\"$EVIL\"")" ]
	connectd audit --json | jq -e --arg sid "$(jq -nr "\"$EVIL\"")" 'any(.decision // "" | endswith($sid))'
}

@test "whatever is in the database, no list and no message prints it raw" {
	sqlite3 "$GUEST_DIR/connectd.db" "
		INSERT INTO orgs VALUES($EVIL_SQL, 1);
		INSERT INTO principals VALUES($EVIL_SQL, $EVIL_SQL, 1);
		INSERT INTO policies VALUES($EVIL_SQL, $EVIL_SQL, 0, '{\"x\":\"' || char(155, 8238, 127, 13) || x'ff' || '\"}', 1);
		INSERT INTO bindings VALUES($EVIL_SQL, $EVIL_SQL);
		INSERT INTO api_tokens VALUES($EVIL_SQL, $EVIL_SQL, 'x', 1, 2, 3);
		UPDATE instances SET name = $EVIL_SQL, org = $EVIL_SQL, host = $EVIL_SQL,
			guest_host_keys = '[\"' || char(155, 8238, 127) || '\"]';"
	for list in "instance list" "org list" "principal list" "policy list" "token list" "instance show 42" audit; do
		for json in '' --json; do
			[ "$list $json" != "instance show 42 --json" ] || continue
			echo "$list $json"
			# shellcheck disable=SC2086 # words
			connectd $list $json >"$GUEST_DIR/printed"
			is_plain "$GUEST_DIR/printed"
			[ "$(grep -c '^2026-01-01T' "$GUEST_DIR/printed")" -eq 0 ]
		done
	done
	evil=$(sqlite3 "$GUEST_DIR/connectd.db" "SELECT $EVIL_SQL")
	connectd policy show "$evil" >"$GUEST_DIR/printed"
	is_plain "$GUEST_DIR/printed"
	for command in "instance show" "instance remove" "policy show" "org remove" "principal add" "token revoke" \
		"policy attach $evil" "instance import"; do
		echo "$command"
		mapfile -d ' ' -t words < <(printf %s "$command")
		run connectd "${words[@]}" "x$evil"
		[ "$status" -ne 0 ]
		echo "$output" >"$GUEST_DIR/printed"
		is_plain "$GUEST_DIR/printed"
		[ "$(grep -c '^2026-01-01T' "$GUEST_DIR/printed")" -eq 0 ]
	done
	run connectd instance import - <<<"[{\"$EVIL\":1}]"
	[ "$status" -eq 1 ]
	echo "$output" >"$GUEST_DIR/printed"
	is_plain "$GUEST_DIR/printed"
}
