#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The control plane by itself: who gets a key, who is served grants, and what is kept.

load control

setup() {
	control_setup
	TOKEN=$(connectd token add user:ana --instance 42)
	start
}

teardown() { control_teardown; }

@test "a caller gets a key that OpenSSH reads, and everything needed to use it" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	[ "$(field '.vm_id, .user, .host, .port, .expires_in' | paste -sd' ')" = "42 ubuntu vm42.example 2200 60" ]
	[ "$(field '.id | length')" -ge 22 ]
	(umask 077 && field .private_key >"$GUEST_DIR/key")
	[ "$(ssh-keygen -lf "$GUEST_DIR/key" | cut -d' ' -f2)" = "$(field .fingerprint)" ]
	ssh-keygen -y -P '' -f "$GUEST_DIR/key" >/dev/null
}

@test "a grant is a JWT that another library verifies" {
	connect '{"vm_id":42,"user":"ubuntu","source":"192.0.2.0/24"}'
	metadata 'grants?user=ubuntu&nonce=abc'
	[ "$code" = 200 ]
	field '.grants[0]' >"$GUEST_DIR/grant"
	field .time >"$GUEST_DIR/time"
	"$PYTHON" - "$GUEST_DIR" <<'END'
import sys, time as clock, jwt
folder = sys.argv[1]
key = open(folder + "/operator.pem").read()
token = open(folder + "/grant").read().strip()
header = jwt.get_unverified_header(token)
assert header["alg"] == "EdDSA" and header["typ"] == "exc-grant+jwt", header
claims = jwt.decode(token, key, algorithms=["EdDSA"], audience="exc:compute:instance/42")
assert claims["sub"] == "ubuntu" and claims["caller"] == "user:ana", claims
assert claims["exp"] - claims["iat"] == 60 and len(claims["jti"]) >= 22, claims
assert claims["restrict"] == {"source": ["192.0.2.0/24"]}, claims
time = jwt.decode(open(folder + "/time").read().strip(), key, algorithms=["EdDSA"],
                  audience="exc:compute:instance/42")
assert time["nonce"] == "abc" and abs(time["iat"] - clock.time()) < 20, time
END
}

@test "without a token that is known there is no key" {
	for header in 'Authorization;' 'Authorization: Bearer' 'Authorization: Bearer ' "Authorization: $TOKEN" \
		"Authorization: Basic $TOKEN" "Authorization: Bearer $TOKEN "x; do
		code=$(curl -s -o "$GUEST_DIR/answer" -w '%{http_code}' -H "$header" \
			-d '{"vm_id":42,"user":"ubuntu"}' "$COMPUTE/compute/instance/connect")
		echo "$code $header"
		[ "$code $(jq -r .error.code "$GUEST_DIR/answer")" = "401 compute.auth.invalid_token" ]
	done
	TOKEN=exc_wrong connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code $(field .error.code)" = "401 compute.auth.invalid_token" ]
	[ "$(field .error.request_id)" != null ]
	connectd token remove user:ana
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 401 ]
	# Logged, but strangers cannot fill the database.
	[ "$(grep -c 'refused reason=compute.auth.invalid_token' "$GUEST_DIR/log")" -eq 8 ]
	[ "$(connectd audit --json | jq '[.[] | select(.event == "refused")] | length')" -eq 0 ]
}

@test "a token opens the instances that it names and does not tell which others there are" {
	connect '{"vm_id":43,"user":"ubuntu"}'
	there="$code $(field .error.code)"
	connect '{"vm_id":44,"user":"ubuntu"}'
	[ "$there" = "403 compute.instance.forbidden" ]
	[ "$code $(field .error.code)" = "$there" ]
	TOKEN=$(connectd token add user:root --instance '*')
	connect '{"vm_id":44,"user":"ubuntu"}'
	[ "$code $(field .error.code)" = "404 compute.instance.not_found" ]
	connect '{"vm_id":"43","user":"ubuntu"}'
	[ "$code" = 200 ]
}

@test "host keys that a guest sends are checked, kept, and noted when they change" {
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/host"
	key=$(cut -d' ' -f1,2 "$GUEST_DIR/host.pub")
	for body in '' '{}' '[]' '{"host_keys":[]}' '{"host_keys":"x"}' '{"host_keys":[1]}' '{"host_keys":["ssh-ed25519 AAAA"]}' \
		"{\"host_keys\":[\"$key comment\"]}" "{\"host_keys\":[\"command=x $key\"]}" \
		"{\"host_keys\":[$(printf '"%s",' "$key"{,,}{,,}{,})\"$key\"]}"; do
		metadata host-keys -X PUT --data-binary "$body"
		echo "$code $answer"
		[ "$code $(field .error.code)" = "400 metadata.request.invalid" ]
	done
	code=$(curl -s -o /dev/null -w '%{http_code}' -X PUT --data-binary "{\"host_keys\":[\"$key\"]}" \
		"$METADATA/v1/instance-connect/host-keys")
	[ "$code" = 403 ]
	metadata host-keys
	[ "$code" = 405 ]
	metadata host-keys -X PUT --data-binary "{\"host_keys\":[\"$key\"]}"
	[ "$code" = 204 ]
	metadata host-keys -X PUT --data-binary "{\"host_keys\":[\"$key\"]}"
	[ "$code" = 204 ]
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$(field '.host_keys[]')" = "$key" ]
	[ "$(connectd audit --json | jq '[.[] | select(.event == "host_keys")] | length')" -eq 1 ]
}

# What the first of them had: the tables of version 0, a token with instances, and a row of the trail
@test "a database of an earlier version is brought up to date with what is in it" {
	stop
	rm "$GUEST_DIR"/connectd.db*
	"$PYTHON" - "$GUEST_DIR/connectd.db" "$TOKEN" <<'END'
import hashlib, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executescript("""
CREATE TABLE instances(vm_id TEXT PRIMARY KEY, address TEXT NOT NULL UNIQUE, host TEXT NOT NULL,
 port INTEGER NOT NULL, host_keys TEXT NOT NULL);
CREATE TABLE tokens(name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);
CREATE TABLE rights(name TEXT NOT NULL REFERENCES tokens(name) ON DELETE CASCADE, vm_id TEXT NOT NULL,
 PRIMARY KEY(name, vm_id));
CREATE TABLE grants(jti TEXT PRIMARY KEY, vm_id TEXT NOT NULL, user TEXT NOT NULL,
 fingerprint TEXT NOT NULL, caller TEXT NOT NULL, request_id TEXT NOT NULL, expires INTEGER NOT NULL,
 jws TEXT NOT NULL, served_at INTEGER, used_at INTEGER);
CREATE TABLE sessions(id_hash TEXT PRIMARY KEY, jti TEXT NOT NULL, vm_id TEXT NOT NULL,
 user TEXT NOT NULL, expires INTEGER NOT NULL);
CREATE TABLE audit(id INTEGER PRIMARY KEY, time INTEGER NOT NULL, event TEXT NOT NULL, caller TEXT,
 user TEXT, vm_id TEXT, jti TEXT, fingerprint TEXT, reason TEXT, source TEXT, request_id TEXT);
INSERT INTO instances VALUES('42', '127.0.0.1', 'vm42.example', 2200, '[]');
INSERT INTO instances VALUES('43', '192.0.2.43', 'vm43.example', 22, '[]');
INSERT INTO audit(time, event, caller) VALUES(1, 'issued', 'user:ana');
""")
db.execute("INSERT INTO tokens VALUES('user:ana', ?, 1)", (hashlib.sha256(sys.argv[2].encode()).hexdigest(),))
db.execute("INSERT INTO tokens VALUES('user:root', 'x', 1)")
db.execute("INSERT INTO rights VALUES('user:ana', '42')")
db.execute("INSERT INTO rights VALUES('user:root', '*')")
db.execute("PRAGMA user_version = 0")
db.execute("CREATE INDEX grants_live ON grants(vm_id, user, expires)")
db.execute("CREATE INDEX grants_expired ON grants(expires)")
db.execute("CREATE INDEX sessions_expired ON sessions(expires)")
db.execute("PRAGMA user_version = 1")
db.commit()
END
	start
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	[ "$(field '.host_keys | length')" -eq 0 ]
	connect '{"vm_id":43,"user":"ubuntu"}'
	[ "$code" = 403 ]
	run connectd policy test --principal user:root --action compute:instance:connect --resource exc:compute:instance/43
	[ "$status" -eq 0 ]
	# What --instance wrote then, it can still add to.
	connectd token add user:ana --instance 43
	connect '{"vm_id":43,"user":"ubuntu"}'
	[ "$code" = 200 ]
	run connectd audit verify
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"(1 of them"* ]]
}

@test "a request that is not understood is refused, and nothing is minted" {
	while read -r expected body; do
		connect "$body"
		echo "$code $answer for $body"
		[ "$code $(field .error.code)" = "400 compute.request.$expected" ]
		[ "$(field .error.request_id)" != null ]
	done <<'END'
malformed
malformed {
malformed []
malformed "x"
malformed {"vm_id":42,"user":"u"} x
malformed {"vm_id":42,"user":"u","user":"v"}
invalid_vm_id {}
invalid_vm_id {"vm_id":-1,"user":"u"}
invalid_vm_id {"vm_id":4.5,"user":"u"}
invalid_vm_id {"vm_id":"","user":"u"}
invalid_vm_id {"vm_id":["42"],"user":"u"}
invalid_vm_id {"vm_id":null,"user":"u"}
invalid_user {"vm_id":42}
invalid_user {"vm_id":42,"user":7}
invalid_user {"vm_id":42,"user":""}
invalid_user {"vm_id":42,"user":"a b"}
invalid_user {"vm_id":42,"user":"../x"}
invalid_user {"vm_id":42,"user":"-rf"}
unknown_member {"vm_id":42,"user":"u","restrict":{}}
unknown_member {"vm_id":42,"user":"u","USER":"u"}
invalid_public_key {"vm_id":42,"user":"u","public_key":"ssh-dss AAAA"}
invalid_public_key {"vm_id":42,"user":"u","public_key":7}
invalid_public_key {"vm_id":42,"user":"u","public_key":""}
invalid_source {"vm_id":42,"user":"u","source":"everywhere"}
invalid_source {"vm_id":42,"user":"u","source":[]}
invalid_source {"vm_id":42,"user":"u","source":{}}
invalid_command {"vm_id":42,"user":"u","command":"a\nb"}
invalid_command {"vm_id":42,"user":"u","command":"a\\"}
invalid_command {"vm_id":42,"user":"u","command":""}
invalid_command {"vm_id":42,"user":"u","command":false}
END
	printf '{"vm_id":42,"user":"\xff\xfe"}' >"$GUEST_DIR/body"
	connect "@$GUEST_DIR/body"
	[ "$code $(field .error.code)" = "400 compute.request.malformed" ]
	printf '{"vm_id":42,"user":"u\0"}' >"$GUEST_DIR/body"
	connect "@$GUEST_DIR/body"
	[ "$code $(field .error.code)" = "400 compute.request.malformed" ]
	head -c 2M /dev/zero | tr '\0' u >"$GUEST_DIR/body"
	connect "@$GUEST_DIR/body"
	[ "$code $(field .error.code)" = "413 request.too_large" ]
	connect "{\"vm_id\":42,\"user\":\"$(head -c 20000 /dev/zero | tr '\0' u)\"}"
	[ "$code" = 413 ]
	[ "$(connectd audit --json | jq '[.[] | select(.event == "issued")] | length')" -eq 0 ]
}

@test "the metadata endpoint answers only requests that a browser could not be made to send" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	code=$(curl -s -o /dev/null -w '%{http_code}' "$METADATA/v1/instance-connect/grants?user=ubuntu")
	[ "$code" = 403 ]
	metadata 'grants?user=ubuntu' -H 'X-Forwarded-For: 127.0.0.1'
	[ "$code" = 403 ]
	metadata 'grants?user=ubuntu' -H 'X-Exc-Metadata: 2'
	[ "$code" = 403 ] || [ "$(field '.grants | length')" = 1 ] # curl sends both; the first may count
	metadata 'grants?user=ubuntu'
	[ "$(field '.grants | length')" -eq 1 ]
}

@test "an instance is known by its address, and sees its own grants only" {
	TOKEN=$(connectd token add user:root --instance '*')
	connect '{"vm_id":43,"user":"ubuntu"}'
	metadata 'grants?user=ubuntu&instance_id=43'
	[ "$(field '.instance_id, (.grants | length)' | paste -sd' ')" = "42 0" ]
	connectd instance remove 42
	metadata 'grants?user=ubuntu'
	[ "$code $(field .error.code)" = "403 metadata.instance.unknown" ]
	[ "$(field .error.address)" = "$(cut -d/ -f3 <<<"$METADATA" | sed 's/:[0-9]*$//')" ]
}

@test "grants are for one user and, if asked, one key" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	fingerprint=$(field .fingerprint)
	connect '{"vm_id":42,"user":"ubuntu"}'
	connect '{"vm_id":42,"user":"ana"}'
	metadata 'grants?user=ubuntu'
	[ "$(field '.grants | length')" -eq 2 ]
	metadata 'grants' -G -d user=ubuntu --data-urlencode "fingerprint=$fingerprint"
	[ "$(field '.grants | length')" -eq 1 ]
	metadata "grants?user=ubuntu&fingerprint=$fingerprint"
	[ "$(field '.grants | length')" -eq 1 ]
	# A NUL does not end a name: the server hangs up, and curl says 52.
	for path in 'grants?user=ubuntu%00root' 'grants%00x?user=ubuntu'; do
		run curl -s -H 'X-Exc-Metadata: 1' "$METADATA/v1/instance-connect/$path"
		echo "$status $path"
		[ "$status" -eq 52 ]
	done
}

@test "a receipt ends a grant, once, and only for the instance that it is of" {
	TOKEN=$(connectd token add user:root --instance '*')
	connect '{"vm_id":42,"user":"ubuntu"}'
	connect '{"vm_id":43,"user":"ubuntu"}'
	connectd audit --json >"$GUEST_DIR/trail"
	ours=$(jq -r '.[] | select(.event == "issued" and .vm_id == "42") | .jti' "$GUEST_DIR/trail")
	theirs=$(jq -r '.[] | select(.event == "issued" and .vm_id == "43") | .jti' "$GUEST_DIR/trail")
	for i in 1 2; do
		metadata receipts -d "{\"receipts\":[{\"jti\":\"$ours\",\"user\":\"x\",\"fingerprint\":\"y\",\"used_at\":1800000000,\"client\":\"192.0.2.9\"},{\"jti\":\"$theirs\"},{\"jti\":7},7]}"
		[ "$code" = 204 ]
	done
	metadata 'grants?user=ubuntu'
	[ "$(field '.grants | length')" -eq 0 ]
	connectd audit --json >"$GUEST_DIR/trail"
	[ "$(jq -r '.[] | select(.event == "used") | "\(.vm_id) \(.user) \(.source)"' "$GUEST_DIR/trail")" = "42 ubuntu 192.0.2.9" ]
	metadata receipts -d '{"receipts":7}'
	[ "$code" = 400 ]
}

@test "the private key and the token are kept nowhere" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	field .private_key | sed -n 3p >"$GUEST_DIR/secret"
	kill -TERM "$PID" && wait "$PID"
	[ "$(wc -c <"$GUEST_DIR/secret")" -gt 60 ]
	run grep -rlaF -f "$GUEST_DIR/secret" "$GUEST_DIR"/connectd.db* "$GUEST_DIR/log" "$GUEST_DIR/out"
	[ -z "$output" ]
	run grep -laF "$TOKEN" "$GUEST_DIR"/connectd.db* "$GUEST_DIR/log" "$GUEST_DIR/out"
	[ -z "$output" ]
	[ "$(stat -c %a "$GUEST_DIR/connectd.db" "$GUEST_DIR/signing-key.pem" | sort -u)" = 600 ]
}

@test "SIGTERM stops it cleanly" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	kill -TERM "$PID"
	wait "$PID"
}

@test "a second one on the same database is refused, and says who has it" {
	run connectd serve
	[ "$status" -eq 1 ]
	[[ "$output" == *"process $PID already serves the database"* ]]
}

@test "killed in the middle, it starts again and has every grant that it gave out" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	kill -KILL "$PID"
	wait "$PID" || true
	start
	metadata 'grants?user=ubuntu'
	[ "$(field '.grants | length')" -eq 1 ]
}

@test "a client that says nothing holds nobody up" {
	exec 4<>"/dev/tcp/127.0.0.1/${COMPUTE##*:}"
	printf 'POST /compute' >&4
	connect '{"vm_id":42,"user":"ubuntu"}'
	exec 4>&-
	[ "$code" = 200 ]
}

@test "init prints the same key again, and serving without it says what to do" {
	[ "$(connectd init)" = "$(<"$GUEST_DIR/operator.pem")" ]
	sed -i "s|signing-key.pem|other.pem|" "$GUEST_DIR/connectd.conf"
	run connectd serve
	[ "$status" -eq 1 ]
	[[ "$output" == *"run: exc-connectd init"* ]]
}

@test "a configuration that would send private keys without TLS is refused" {
	sed -i 's/compute_listen.*/compute_listen = 0.0.0.0:0/' "$GUEST_DIR/connectd.conf"
	run connectd serve
	[ "$status" -eq 1 ]
	[[ "$output" == *"compute_certificate"* ]]
	sed -i 's/compute_listen.*/compute_lisen = 127.0.0.1:0/' "$GUEST_DIR/connectd.conf"
	run connectd serve
	[[ "$output" == *"line 3: unknown setting compute_lisen"* ]]
}

@test "with a certificate, the compute API speaks TLS" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$GUEST_DIR/tls.key" -out "$GUEST_DIR/tls.pem" 2>/dev/null
	kill -TERM "$PID" && wait "$PID"
	printf 'compute_certificate = %s\ncompute_private_key = %s\n' "$GUEST_DIR/tls.pem" "$GUEST_DIR/tls.key" \
		>>"$GUEST_DIR/connectd.conf"
	start
	[[ "$COMPUTE" == https://* ]]
	connect '{"vm_id":42,"user":"ubuntu"}' --cacert "$GUEST_DIR/tls.pem"
	[ "$code" = 200 ]
}

@test "wrong arguments are named, with exit status 2" {
	for arguments in nonsense "instance add" "instance add 42 --host x" "token add" "token add ana" \
		"audit --limit 0" "instance add 42 --address 1.2.3 --host x" "--frobnicate"; do
		# shellcheck disable=SC2086 # words
		run connectd $arguments
		echo "$arguments: $output"
		[ "$status" -eq 2 ]
		[[ "$output" == "exc-connectd: "*"; try --help" ]]
	done
	run connectd instance add 42 --address 127.0.0.9 --host x
	[ "$status" -eq 1 ]
	run connectd --help
	[ "$status" -eq 0 ]
}
