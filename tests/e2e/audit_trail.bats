#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The audit trail: each request and what became of it, and that nobody changes it unseen.

load control

# tamper SQL: what somebody with the database in hand can do
tamper() {
	sqlite3 "$GUEST_DIR/connectd.db" "DROP TRIGGER audit_is_kept; DROP TRIGGER audit_is_as_it_was; $1"
}

@test "each request is a row with who, from where, what, and the statement that decided" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	row=$(rows issued)
	[ "$(jq -r '[.caller, .org, .source, .vm_id, .user, .decision] | join("|")' <<<"$row")" = \
		"user:ana|default|127.0.0.1|42|ubuntu|allowed by policy instances:user:ana, statement 1 Instances" ]
	[ "$(jq -r .fingerprint <<<"$row")" = "$(field .fingerprint)" ]
	[ "$(jq -r .request_id <<<"$row")" = "$(field .request_id)" ]
	[ "$(jq -r .expires_at <<<"$row")" = "$(field .expires_at)" ]
	[ "$(jq -r .token_id <<<"$row")" = "$(connectd token list --json | jq -r '.[0].id')" ]
	[ "$(jq -r .status <<<"$row")" = live ]
}

@test "a grant that was used says when and from where, and one that never was has expired" {
	stop
	echo 'key_lifetime = 5' >>"$GUEST_DIR/connectd.conf"
	start
	connect '{"vm_id":42,"user":"ubuntu"}'
	used=$(last_grant)
	use_grant "$used"
	connect '{"vm_id":42,"user":"ubuntu"}'
	compute '/compute/instance/42/connect/events'
	[ "$code $(field .vm_id)" = "200 42" ]
	[ "$(field '[.events[] | select(.event == "issued") | .status] | join(" ")')" = "used live" ]
	[ "$(field '.events[] | select(.status == "used") | .used_from, .grant_id' | paste -sd' ')" = "198.51.100.7 $used" ]
	[ "$(field '.events[] | select(.status == "used") | .used_at')" != null ]
	# Nothing that is the operator's own
	[ "$(field '[.events[] | has("hash") or has("token_id")] | any')" = false ]
	is_expired() { [ "$(rows issued | tail -1 | jq -r .status)" = expired ]; }
	wait_for is_expired
}

@test "events are those of one instance, the newest of them, for whom a policy lets read them" {
	for _ in 1 2 3; do
		connect '{"vm_id":42,"user":"ubuntu"}'
		connect '{"vm_id":43,"user":"ubuntu"}'
	done
	compute '/compute/instance/43/connect/events?limit=2'
	[ "$(field '.events | length')" -eq 2 ]
	compute '/compute/instance/43/connect/events'
	[ "$(field '.events | length')" -eq 3 ]
	for limit in 0 -1 1001 x 99999; do
		compute "/compute/instance/43/connect/events?limit=$limit"
		[ "$code $(field .error.code)" = "400 compute.request.invalid_limit" ]
	done
	TOKEN=$(connectd token add user:bo --instance 42)
	compute /compute/instance/43/connect/events
	[ "$code" = 403 ]
}

@test "verify finds a row that was changed" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	connect '{"vm_id":43,"user":"ubuntu"}'
	run connectd audit verify
	[ "$status" -eq 0 ]
	[[ "$output" == *" rows, unchanged; head "* ]]
	row=$(rows issued | head -1 | jq .id)
	for change in "caller = 'user:bo'" "time = time - 1" "user = ''" "expires = 0" "hash = 'x'" "hash = NULL"; do
		cp "$GUEST_DIR/connectd.db" "$GUEST_DIR/kept"
		sqlite3 "$GUEST_DIR/connectd.db" ".backup $GUEST_DIR/kept"
		tamper "UPDATE audit SET $change WHERE id = $row"
		run connectd audit verify
		echo "$change: $output"
		[ "$status" -eq 1 ]
		[[ "$output" == *"row $row was changed"* ]]
		stop
		rm -f "$GUEST_DIR"/connectd.db-*
		mv "$GUEST_DIR/kept" "$GUEST_DIR/connectd.db"
		start
	done
	run connectd audit verify
	[ "$status" -eq 0 ]
}

@test "verify finds a row that is missing, in the middle and at the end, or moved" {
	for _ in 1 2 3; do connect '{"vm_id":42,"user":"ubuntu"}'; done
	row=$(rows issued | head -1 | jq .id)
	sqlite3 "$GUEST_DIR/connectd.db" ".backup $GUEST_DIR/kept"
	for change in "DELETE FROM audit WHERE id = $row" "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)" \
		"DELETE FROM audit WHERE id = 1" "UPDATE audit SET id = id + 100 WHERE id = $row" "DELETE FROM audit"; do
		tamper "$change"
		run connectd audit verify
		echo "$change: $output"
		[ "$status" -eq 1 ]
		stop
		rm -f "$GUEST_DIR"/connectd.db-*
		cp "$GUEST_DIR/kept" "$GUEST_DIR/connectd.db"
		start
	done
}

@test "a trail that was written anew does not lead to the head that somebody kept" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	head=$(connectd audit verify | sed -n 's/.* head //p')
	connect '{"vm_id":43,"user":"ubuntu"}'
	run connectd audit verify --head "$head"
	[ "$status" -eq 0 ]
	# All rows and the head, hashed again from the first that was changed
	"$PYTHON" - "$GUEST_DIR/connectd.db" <<'END'
import hashlib, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executescript("DROP TRIGGER audit_is_kept; DROP TRIGGER audit_is_as_it_was;"
                 "UPDATE audit SET caller = 'user:nobody' WHERE event = 'issued' AND vm_id = '42'")
names = "event caller user vm_id jti fingerprint reason source request_id org token_id decision".split()
before = ""
for row in db.execute(f"SELECT id, time, expires, {', '.join(names)} FROM audit ORDER BY id").fetchall():
    text = f"{before} {row[0]} {row[1]} {row[2]}" + "".join(f" {len((v or '').encode())}:{v or ''}" for v in row[3:])
    before = hashlib.sha256(text.encode()).hexdigest()
    db.execute("UPDATE audit SET hash = ? WHERE id = ?", (before, row[0]))
db.execute("UPDATE audit_head SET hash = ?", (before,))
db.commit()
END
	run connectd audit verify
	[ "$status" -eq 0 ]
	run connectd audit verify --head "$head"
	[ "$status" -eq 1 ]
	[[ "$output" == *"rewritten"* ]]
}

@test "the database itself refuses to change or remove a row" {
	run sqlite3 "$GUEST_DIR/connectd.db" "DELETE FROM audit"
	[[ "$output" == *"append-only"* ]]
	run sqlite3 "$GUEST_DIR/connectd.db" "UPDATE audit SET caller = 'x'"
	[[ "$output" == *"append-only"* ]]
}

@test "the whole trail is exported, a row in a line" {
	for _ in 1 2 3; do connect '{"vm_id":42,"user":"ubuntu"}'; done
	connectd audit export --json >"$GUEST_DIR/export"
	[ "$(wc -l <"$GUEST_DIR/export")" -eq "$(sqlite3 "$GUEST_DIR/connectd.db" 'SELECT count(*) FROM audit')" ]
	jq -es 'map(.hash) | all(. != null)' "$GUEST_DIR/export"
	[ "$(connectd audit export --instance 42 | wc -l)" -eq 3 ]
	[ "$(connectd audit | grep -c ' issued ')" -eq 3 ]
}

@test "what the operator changes is in the trail too, and none of it on the terminal" {
	connectd instance remove 43 2>"$GUEST_DIR/stderr"
	[ ! -s "$GUEST_DIR/stderr" ]
	[ "$(rows changed | jq -r .reason | tail -1)" = "instance remove 43" ]
	[[ "$(rows changed | jq -r .reason)" != *"$TOKEN"* ]]
}

@test "a host key that changes is flagged in the trail and to the caller, until the instance was rebuilt" {
	for name in one two three; do ssh-keygen -q -t ed25519 -N '' -C '' -f "$GUEST_DIR/$name"; done
	say() { metadata host-keys -X PUT --data-binary "{\"host_keys\":[\"$(cut -d' ' -f1,2 "$GUEST_DIR/$1.pub")\"]}"; }
	say one
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$(field .host_keys_changed_at)" = null ]
	say two
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$(field .host_keys_changed_at)" != null ]
	[ "$(field '.host_keys[0]')" = "$(cut -d' ' -f1,2 "$GUEST_DIR/two.pub")" ]
	[ "$(rows host_keys | jq -r .reason | paste -sd' ')" = "first changed" ]
	[[ "$(connectd instance list)" == *HOST-KEYS-CHANGED* ]]
	compute /compute/instance/42/connect/events
	[ "$(field '[.events[] | select(.event == "host_keys") | .reason] | join(" ")')" = "first changed" ]
	connectd instance rebuilt 42
	say three
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$(field .host_keys_changed_at)" = null ]
	[ "$(rows host_keys | jq -r .reason | paste -sd' ')" = "first changed first" ]
}
