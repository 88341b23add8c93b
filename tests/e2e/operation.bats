#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Running the control plane: its description, health, metrics, certificate, backup, and log.

load control

setup() {
	control_setup
	TOKEN=$(connectd token add user:ana --instance '*')
}

teardown() { control_teardown; }

make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "/CN=$1" \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$GUEST_DIR/tls.key" -out "$GUEST_DIR/tls.pem" 2>/dev/null
}
# The certificate's subject, as a client sees it
subject() {
	openssl s_client -connect "${COMPUTE#https://}" </dev/null 2>/dev/null | openssl x509 -noout -subject
}

@test "every answer that the API's description documents is given, and is as described" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	# On an address that is not loopback, for what other machines are answered
	sed -i 's/^compute_listen.*/compute_listen = 192.0.2.1:8080/' "$GUEST_DIR/connectd.conf"
	printf '%s\n' 'compute_plain_http = yes' 'principal_rate = 1' 'principal_burst = 60' >>"$GUEST_DIR/connectd.conf"
	connectd instance remove 42
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$GUEST_DIR/host"
	connectd instance add 42 --address 192.0.2.42 --host 192.0.2.1 --port 9 --user ubuntu --user deploy \
		--host-key "$(cut -d' ' -f1,2 "$GUEST_DIR/host.pub")" --console "$GUEST_DIR/connectd.db.console"
	connectd instance add 44 --address 192.0.2.44 --host 192.0.2.1 --console "$GUEST_DIR/nothing"
	connectd principal add service:none
	connectd policy put nothing - <<<'{"Statements":[]}'
	connectd policy attach nothing service:none
	connectd org add rivals
	connectd principal add user:eve --org rivals
	connectd policy attach Admin user:eve
	connectd policy attach Admin user:ana
	OTHER=$(connectd token add service:none) STRANGER=$(connectd token add user:eve)
	LAST=$(connectd token add user:bo --instance '*') SOCKET=$(connectd token add user:cy --instance '*')
	unshare --net bash -euc '
		ip link set lo up
		ip link add guest type veth peer name other
		ip addr add 192.0.2.1/24 dev guest
		ip link set guest up; ip link set other up
		"$1" --config "$2/connectd.conf" >"$2/out" 2>"$2/log" 3>&- &
		trap "kill %1" EXIT
		until grep -q "^exc-connectd: compute" "$2/out"; do kill -0 %1; sleep 0.02; done
		"$3" "$4/openapi.py" http://192.0.2.1:8080 "${@:5}" "$2/connectd.db"' \
		bash "$PROGRAM" "$GUEST_DIR" "$PYTHON" "$BATS_TEST_DIRNAME" "$TOKEN" "$OTHER" "$STRANGER" "$LAST" "$SOCKET"
}

@test "health and metrics are there for this machine, and count what happens" {
	start
	TOKEN='' compute /healthz
	[ "$code $answer" = '200 {"status":"ok"}' ]
	connect '{"vm_id":42,"user":"ubuntu"}'
	metadata 'grants?user=ubuntu'
	use_grant "$(last_grant)"
	connect '{"vm_id":42,"user":"a b"}'
	TOKEN='' compute /metrics
	[ "$code" = 200 ]
	grep -qi '^content-type: text/plain; version=0.0.4' "$GUEST_DIR/headers"
	for line in 'exc_connectd_grants_issued_total 1' 'exc_connectd_grants_served_total 1' 'exc_connectd_grants_used_total 1' \
		'exc_connectd_answers_total{listener="compute",code="4xx"} 1' \
		'exc_connectd_answers_total{listener="metadata",code="2xx"} 2'; do
		echo "$line"
		grep -qxF "$line" <<<"$answer"
	done
	# Each line as Prometheus' text format has it
	! grep -vE '^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[a-z0-9]+"(,[a-z]+="[a-z0-9]+")*\})? [0-9]+)$' <<<"$answer"
}

@test "SIGHUP reads the certificate anew, and a broken one changes nothing" {
	make_certificate first
	printf 'compute_certificate = %s\ncompute_private_key = %s\n' "$GUEST_DIR/tls.pem" "$GUEST_DIR/tls.key" \
		>>"$GUEST_DIR/connectd.conf"
	start
	[[ "$(subject)" == *first* ]]
	make_certificate second
	kill -HUP "$PID"
	wait_for grep -q 'the certificate was read again' "$GUEST_DIR/log"
	[[ "$(subject)" == *second* ]]
	echo broken >"$GUEST_DIR/tls.pem"
	kill -HUP "$PID"
	wait_for grep -q 'keeping the old one' "$GUEST_DIR/log"
	[[ "$(subject)" == *second* ]]
	make_certificate third
	cp "$GUEST_DIR/tls.pem" "$GUEST_DIR/third.pem"
	make_certificate fourth
	cp "$GUEST_DIR/third.pem" "$GUEST_DIR/tls.pem"
	kill -HUP "$PID"
	wait_for grep -q "keeping the old one: $GUEST_DIR/tls.key" "$GUEST_DIR/log"
	[[ "$(subject)" == *second* ]]
}

@test "plain HTTP where others may listen is for who asks for it by name" {
	sed -i 's/^compute_listen.*/compute_listen = 0.0.0.0:0/' "$GUEST_DIR/connectd.conf"
	run connectd serve
	[ "$status" -eq 1 ]
	[[ "$output" == *"compute_plain_http = yes"* ]]
	echo 'compute_plain_http = maybe' >>"$GUEST_DIR/connectd.conf"
	run connectd serve
	[[ "$output" == *"is not yes or no"* ]]
	sed -i 's/maybe/yes/' "$GUEST_DIR/connectd.conf"
	start
	TOKEN='' compute /healthz
	[ "$code" = 200 ]
}

@test "a backup while keys are asked for is whole, private, and can be served from" {
	start
	load() { while [ ! -e "$GUEST_DIR/enough" ]; do connect '{"vm_id":42,"user":"ubuntu"}' || true; done; }
	load >/dev/null 2>&1 3>&- &
	loader=$!
	has_some() { [ "$(rows issued | wc -l)" -ge 5 ]; }
	wait_for has_some
	connectd backup "$GUEST_DIR/copy.db"
	touch "$GUEST_DIR/enough"
	wait "$loader"
	[ "$(stat -c %a "$GUEST_DIR/copy.db")" = 600 ]
	[ "$(sqlite3 "$GUEST_DIR/copy.db" 'PRAGMA integrity_check')" = ok ]
	stop
	sed -i "s|^database.*|database = $GUEST_DIR/copy.db|" "$GUEST_DIR/connectd.conf"
	connectd audit verify
	start
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	# Nothing that is there is written over
	run connectd backup "$GUEST_DIR/copy.db"
	[ "$status" -eq 1 ]
	[[ "$output" == *"File exists"* ]]
	run connectd backup /nowhere/x
	[ "$status" -eq 1 ]
}

@test "killed a hundred times under load, it loses no row that was answered for, and none is used twice" {
	start
	load() {
		while [ ! -e "$GUEST_DIR/enough" ]; do
			curl -s -H "Authorization: Bearer $TOKEN" --data-binary '{"vm_id":42,"user":"ubuntu"}' \
				"$(sed 's/.* compute \([^ ]*\).*/\1/' "$GUEST_DIR/out")/compute/instance/connect" |
				jq -r '.request_id // empty' 2>/dev/null >>"$GUEST_DIR/answered.$1" || true
		done
	}
	# A guest that uses whatever it is served, and says so twice
	use() {
		while [ ! -e "$GUEST_DIR/enough" ]; do
			jtis=$(curl -s -H 'X-Exc-Metadata: 1' "$METADATA/v1/instance-connect/grants?user=ubuntu" | jq -r '.grants[]?' 2>/dev/null |
				while IFS=. read -r _ payload _; do tr -- -_ +/ <<<"$payload" | base64 -di 2>/dev/null | grep -o '"jti":"[^"]*"'; done)
			for jti in $jtis; do
				for _ in 1 2; do
					curl -sf -o /dev/null -H 'X-Exc-Metadata: 1' -d "{\"receipts\":[{$jti,\"used_at\":1,\"client\":\"x\"}]}" \
						"$METADATA/v1/instance-connect/receipts" && jq -r .jti <<<"{$jti}" >>"$GUEST_DIR/received"
				done
			done
		done || true
	}
	sed -i 's/^\(compute_listen.*\):0$/\1:'"${COMPUTE##*:}/; s/^\(metadata_listen.*\):0$/\1:${METADATA##*:}/" "$GUEST_DIR/connectd.conf"
	printf '%s\n' 'principal_rate = 0' 'instance_rate = 0' >>"$GUEST_DIR/connectd.conf"
	load 1 3>&- & loaders=$!
	load 2 3>&- & loaders="$loaders $!"
	use >/dev/null 2>&1 3>&- & loaders="$loaders $!"
	for _ in $(seq 100); do
		before=$(cat "$GUEST_DIR"/answered.* 2>/dev/null | wc -l)
		is_busy() { [ "$(cat "$GUEST_DIR"/answered.* 2>/dev/null | wc -l)" -gt "$before" ]; }
		wait_for is_busy
		kill -KILL "$PID"
		wait "$PID" 2>/dev/null || true
		start
	done
	touch "$GUEST_DIR/enough"
	# shellcheck disable=SC2086 # three of them
	wait $loaders
	connectd audit verify
	cat "$GUEST_DIR"/answered.* | sort >"$GUEST_DIR/answered"
	connectd audit export --json | jq -r 'select(.event == "issued") | .request_id' | sort >"$GUEST_DIR/issued"
	[ "$(wc -l <"$GUEST_DIR/answered")" -ge 100 ]
	[ -z "$(comm -23 "$GUEST_DIR/answered" "$GUEST_DIR/issued")" ]
	# Each use is in the trail once, and every one that was answered for is.
	connectd audit export --json | jq -r 'select(.event == "used") | .jti' | sort >"$GUEST_DIR/used"
	[ -z "$(uniq -d "$GUEST_DIR/used")" ]
	[ -s "$GUEST_DIR/received" ]
	[ -z "$(sort -u "$GUEST_DIR/received" | comm -23 - "$GUEST_DIR/used")" ]
	# A receipt that was answered is kept, and its grant is served no more.
	jti=$(last_grant)
	use_grant "$jti"
	kill -KILL "$PID"
	wait "$PID" 2>/dev/null || true
	start
	use_grant "$jti"
	[ "$(rows used | jq -r .jti | grep -c -- "$jti")" -eq 1 ]
	metadata 'grants?user=ubuntu'
	! field '.grants[]' | cut -d. -f2 | tr -- -_ +/ | base64 -di 2>/dev/null | grep -q "$jti"
}

@test "under systemd, each row is a journal entry with its fields" {
	namespaces_or_skip
	command -v journalctl >/dev/null || skip "needs systemd"
	mkdir -p "$GUEST_DIR/journal"
	unshare --mount --propagation private bash -euc '
		mount -t tmpfs tmpfs /run
		mkdir -p /run/systemd/journal /run/log/journal
		/lib/systemd/systemd-journald >/dev/null 2>&1 3>&- &
		journald=$!
		trap "kill $journald" EXIT
		until [ -S /run/systemd/journal/socket ]; do kill -0 $journald; sleep 0.02; done
		JOURNAL_STREAM=1:1 "$1" --config "$2/connectd.conf" >"$2/out" 2>"$2/log" 3>&- &
		until grep -q "^exc-connectd: compute" "$2/out"; do kill -0 %2; sleep 0.02; done
		url=$(sed "s/.* compute \([^ ]*\).*/\1/" "$2/out")
		curl -s -o /dev/null -H "Authorization: Bearer $3" -d "{\"vm_id\":42,\"user\":\"ubuntu\"}" "$url/compute/instance/connect"
		kill %2
		for _ in $(seq 200); do
			journalctl -o json EXC_EVENT=issued >"$2/entries" 2>/dev/null && [ -s "$2/entries" ] && break
			sleep 0.05
		done' bash "$PROGRAM" "$GUEST_DIR" "$TOKEN"
	[ "$(jq -r '[.EXC_CALLER, .EXC_USER, .EXC_VM_ID, .SYSLOG_IDENTIFIER, .PRIORITY] | join(" ")' "$GUEST_DIR/entries")" = \
		"user:ana ubuntu 42 exc-connectd 6" ]
	[ ! -s "$GUEST_DIR/log" ]
}
