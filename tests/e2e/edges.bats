#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What strangers try at the edges of the control plane: requests for protocols that it does not speak, which
# must neither be served nor make it read memory that it has freed.

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
