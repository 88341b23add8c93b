#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What one request may ask for, how often, and that asking again makes no second grant.

load control

# configure LINE...: more settings, for a start anew
configure() {
	stop
	printf '%s\n' "$@" >>"$GUEST_DIR/connectd.conf"
	start
}

# claims N: what the Nth grant that the guest sees says
claims() {
	metadata 'grants?user=ubuntu'
	field ".grants[$1]" | cut -d. -f2 | tr -- -_ +/ | "$PYTHON" -c \
		'import base64, sys; t = sys.stdin.read().strip(); sys.stdout.buffer.write(base64.b64decode(t + "=" * (-len(t) % 4)))'
}
issued() { rows issued | wc -l; }

@test "a command makes a grant for that command alone, without pty or forwarding" {
	connect '{"vm_id":42,"user":"ubuntu","command":"systemctl status nginx","source":"203.0.113.0/24"}'
	[ "$code" = 200 ]
	[ "$(claims 0 | jq -cS .restrict)" = '{"agent_forwarding":false,"command":"systemctl status nginx","port_forwarding":false,"pty":false,"source":["203.0.113.0/24"],"x11_forwarding":false}' ]
}

@test "a caller's own public key never has a private half on the server" {
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$GUEST_DIR/own"
	connect "{\"vm_id\":42,\"user\":\"ubuntu\",\"public_key\":\"$(cut -d' ' -f1,2 "$GUEST_DIR/own.pub")\"}"
	[ "$code $(field '.private_key')" = "200 null" ]
	[ "$(field .fingerprint)" = "$(ssh-keygen -lf "$GUEST_DIR/own.pub" | cut -d' ' -f2)" ]
}

@test "a request that comes again with its Idempotency-Key gets the same answer and no second grant" {
	body='{"vm_id":42,"user":"ubuntu"}'
	connect "$body" -H 'Idempotency-Key: one'
	first=$answer
	[ "$code" = 200 ]
	connect "$body" -H 'Idempotency-Key: one'
	[ "$code" = 200 ]
	[ "$answer" = "$first" ]
	[ "$(issued)" -eq 1 ]
	# Another request with it, another principal with it, another key
	connect '{"vm_id":42,"user":"root"}' -H 'Idempotency-Key: one'
	[ "$code $(field .error.code)" = "422 compute.idempotency.reused" ]
	TOKEN=$(connectd token add user:bo --instance '*') connect "$body" -H 'Idempotency-Key: one'
	[ "$code" = 200 ]
	[ "$answer" != "$first" ]
	connect "$body" -H 'Idempotency-Key: two'
	[ "$code" = 200 ]
	[ "$(issued)" -eq 3 ]
}

@test "an answer that is not kept any more is not made up: 409, and no second grant" {
	body='{"vm_id":42,"user":"ubuntu"}'
	connect "$body" -H 'Idempotency-Key: one'
	stop
	start
	connect "$body" -H 'Idempotency-Key: one'
	[ "$code $(field .error.code)" = "409 compute.idempotency.done" ]
	[ "$(issued)" -eq 1 ]
}

@test "no stack of retries makes two grants out of one request" {
	for i in $(seq 40); do
		curl -s -o "$GUEST_DIR/answer.$i" -H "Authorization: Bearer $TOKEN" -H 'Idempotency-Key: many' \
			--data-binary '{"vm_id":42,"user":"ubuntu"}' "$COMPUTE/compute/instance/connect" &
		curls[i]=$!
	done
	wait "${curls[@]}"
	[ "$(issued)" -eq 1 ]
	[ "$(cat "$GUEST_DIR"/answer.* | jq -r .fingerprint | sort -u | wc -l)" -eq 1 ]
}

@test "an Idempotency-Key is 1 to 128 printable characters" {
	for key in "a b" "$(head -c 129 /dev/zero | tr '\0' k)" "$(head -c 300 /dev/zero | tr '\0' k)" $'t\tb'; do
		connect '{"vm_id":42,"user":"ubuntu"}' -H "Idempotency-Key: $key"
		[ "$code $(field .error.code)" = "400 compute.request.invalid_idempotency_key" ]
	done
	connect '{"vm_id":42,"user":"ubuntu"}' -H "Idempotency-Key: $(head -c 128 /dev/zero | tr '\0' k)"
	[ "$code" = 200 ]
}

@test "a principal that asks too often is told when to come back, and others are not" {
	# One a minute: no machine is too slow to ask a fourth time before that.
	configure 'principal_rate = 1' 'principal_burst = 3'
	for _ in 1 2 3; do
		connect '{"vm_id":42,"user":"ubuntu"}'
		[ "$code" = 200 ]
	done
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code $(field .error.code)" = "429 compute.rate_limited" ]
	wait=$(sed -n 's/^[Rr]etry-[Aa]fter: \([0-9]*\).*/\1/p' "$GUEST_DIR/headers")
	[ "$wait" -ge 1 ]
	[ "$wait" -le 60 ]
	[ -z "$(rows refused)" ]
	TOKEN=$(connectd token add user:bo --instance '*') connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
}

@test "a principal that has asked too often is let through again" {
	configure 'principal_rate = 60' 'principal_burst = 1'
	connect '{"vm_id":42,"user":"ubuntu"}'
	is_through() { connect '{"vm_id":42,"user":"ubuntu"}' && [ "$code" = 200 ]; }
	wait_for is_through
}

@test "an instance that is asked for too often is limited for all" {
	configure 'instance_rate = 1' 'instance_burst = 2'
	connect '{"vm_id":42,"user":"ubuntu"}'
	TOKEN=$(connectd token add user:bo --instance '*') connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 429 ]
	[ "$(sed -n 's/^[Rr]etry-[Aa]fter: \([0-9]*\).*/\1/p' "$GUEST_DIR/headers")" -ge 55 ]
	connect '{"vm_id":43,"user":"ubuntu"}'
	[ "$code" = 200 ]
}

@test "a principal whom no policy lets in cannot use up an instance's keys" {
	configure 'instance_rate = 1' 'instance_burst = 2'
	stranger=$(connectd token add user:eve --instance 43)
	for _ in 1 2 3 4; do
		TOKEN=$stranger connect '{"vm_id":42,"user":"ubuntu"}'
		[ "$code" = 403 ]
	done
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
}

@test "what is not there is a 404, and the wrong method a 405" {
	for path in / /compute /compute/instance/connect/ /compute/instance//connect/events /compute/instance/42/connect/eventsx; do
		compute "$path"
		[ "$code $(field .error.code)" = "404 compute.not_found" ]
	done
	compute /compute/instance/connect
	[ "$code $(field .error.code)" = "405 compute.method_not_allowed" ]
	compute /compute/instance/42/connect/events -X PUT -d x
	[ "$code" = 405 ]
}

@test "what the trail cannot have is not answered: neither a key nor a refusal" {
	coproc sqlite3 "$GUEST_DIR/connectd.db"
	writer=$COPROC_PID
	echo "BEGIN IMMEDIATE; SELECT 'locked';" >&"${COPROC[1]}"
	read -r -u "${COPROC[0]}" line
	[ "$line" = locked ]
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code $(field .error.code)" = "503 compute.unavailable" ]
	connect '{"vm_id":42,"user":"a b"}'
	[ "$code $(field .error.code)" = "503 compute.unavailable" ]
	# Guests are answered all the same.
	metadata 'grants?user=ubuntu'
	[ "$code" = 200 ]
	echo "ROLLBACK;" >&"${COPROC[1]}"
	eval "exec ${COPROC[1]}>&-"
	wait "$writer"
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
}
