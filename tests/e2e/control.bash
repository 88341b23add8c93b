# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The control plane by itself, on ports of 127.0.0.1 that the kernel chooses, for the tests that need no
# guest.

load guest

# control_conf DIRECTORY: a configuration that keeps everything there
control_conf() {
	cat >"$GUEST_DIR/connectd.conf" <<END
database = $1/connectd.db
signing_key = $1/signing-key.pem
compute_listen = 127.0.0.1:0
metadata_listen = 127.0.0.1:0
END
}

control_setup() {
	GUEST_DIR=$BATS_TEST_TMPDIR
	PROGRAM=$EXC_BUILD/src/connectd/exc-connectd
	control_conf "$GUEST_DIR"
	connectd init >"$GUEST_DIR/operator.pem"
	connectd instance add 42 --address 127.0.0.1 --host vm42.example --port 2200
	connectd instance add 43 --address 192.0.2.43 --host vm43.example
}

control_teardown() {
	[ -z "${PID-}" ] || { kill -KILL "$PID" && wait "$PID"; } 2>/dev/null || true
}

# For a bats file that has no others: it serves, and TOKEN is for every instance.
setup() {
	control_setup
	TOKEN=$(connectd token add user:ana --instance '*')
	start
}
teardown() { control_teardown; }

start() {
	: >"$GUEST_DIR/out"
	"$PROGRAM" --config "$GUEST_DIR/connectd.conf" >"$GUEST_DIR/out" 2>>"$GUEST_DIR/log" 3>&- &
	PID=$!
	wait_for grep -q '^exc-connectd: compute' "$GUEST_DIR/out"
	COMPUTE=$(sed 's/.* compute \([^ ]*\).*/\1/' "$GUEST_DIR/out")
	METADATA=$(sed 's/.* metadata \([^ ]*\).*/\1/' "$GUEST_DIR/out")
}

stop() {
	kill "$PID"
	wait "$PID" || true
	PID=
}

# compute PATH [CURL OPTION...]: the answer in $answer, the HTTP status in $code
compute() {
	local path=$1
	shift
	code=$(curl -s -o "$GUEST_DIR/answer" -D "$GUEST_DIR/headers" -w '%{http_code}' \
		-H "Authorization: Bearer $TOKEN" "$@" "$COMPUTE$path")
	answer=$(<"$GUEST_DIR/answer")
}

# connect BODY [CURL OPTION...]
connect() {
	local body=$1
	shift
	compute /compute/instance/connect --data-binary "$body" "$@"
}
field() { jq -r "$1" <<<"$answer"; }

# metadata PATH [CURL OPTION...]
metadata() {
	local path=$1
	shift
	code=$(curl -s -o "$GUEST_DIR/answer" -w '%{http_code}' -H 'X-Exc-Metadata: 1' "$@" \
		"$METADATA/v1/instance-connect/$path")
	answer=$(<"$GUEST_DIR/answer")
}

# rows EVENT: the rows of the trail with this event, each an object
rows() { connectd audit --json --limit 10000 | jq -c --arg event "$1" '.[] | select(.event == $event)'; }

# use_grant JTI: what a guest says after a login
use_grant() {
	metadata receipts --data-binary "{\"receipts\":[{\"jti\":\"$1\",\"user\":\"u\",\"fingerprint\":\"x\",\"used_at\":$(date +%s),\"client\":\"198.51.100.7\"}]}"
	[ "$code" = 204 ]
}

# The jti of the newest grant, which only the trail tells
last_grant() { rows issued | tail -1 | jq -r .jti; }
