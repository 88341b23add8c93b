#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The audit trail: each request and what became of it, and that nobody changes it unseen.

load control
bats_require_minimum_version 1.5.0

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
	[ "$(field '[.events[].event] | join(" ")')" = "issued issued" ]
	compute '/compute/instance/43/connect/events'
	[ "$(field '[.events[] | select(.event == "issued")] | length')" -eq 3 ]
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
	for change in "caller = 'user:bo'" "time = time - 1" "user = ''" "expires = 0" "hash = 'x'" "hash = NULL" \
		"command = 'id'" "allowed_source = '::/0'" "audit_session = '1'" "unix_user = 'root'" "sudo_user = 'ana'" \
		"instance = '7'" "org = 'rivals'"; do
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
more = "command allowed_source audit_session unix_user sudo_user instance".split()
before = ""
for row in db.execute(f"SELECT id, time, expires, {', '.join(names + more)} FROM audit ORDER BY id").fetchall():
    text = f"{before} {row[0]} {row[1]} {row[2]}" + "".join(f" {len((v or '').encode())}:{v or ''}" for v in row[3:15])
    text += "".join(f" {n}={len(v.encode())}:{v}" for n, v in zip(more, row[15:]) if v)
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
	[ "$(connectd audit export --instance 42 | grep -c ' issued ')" -eq 3 ]
	[ "$(connectd audit | grep -c ' issued ')" -eq 3 ]
}

@test "what the operator changes is in the trail too, and none of it on the terminal" {
	connectd instance remove 43 2>"$GUEST_DIR/stderr"
	[ ! -s "$GUEST_DIR/stderr" ]
	[ "$(rows changed | jq -r .reason | tail -1)" = "instance remove 43" ]
	[[ "$(rows changed | jq -r .reason)" != *"$TOKEN"* ]]
}

# fail_rows EVENT HOW: rows with this event cannot be written: ABORT is how most failures end, ROLLBACK a full disk
fail_rows() {
	sqlite3 "$GUEST_DIR/connectd.db" "CREATE TRIGGER fails BEFORE INSERT ON audit
		WHEN new.event = '$1' BEGIN SELECT RAISE($2, 'no room'); END"
}
rows_succeed() { sqlite3 "$GUEST_DIR/connectd.db" 'DROP TRIGGER fails'; }

@test "an operator's change whose row cannot be written is not made" {
	connectd org add rivals
	connectd principal add user:bo
	connectd policy put none - <<<'{"Statements":[]}'
	connectd policy put other - <<<'{"Statements":[]}'
	connectd policy attach none user:bo
	id=$(connectd token list --json | jq -r '.[0].id')
	echo '[{"vm_id":"43","address":"192.0.2.99","host":"x"},{"vm_id":"45","address":"192.0.2.45","host":"x"}]' >"$GUEST_DIR/list"
	for how in ABORT ROLLBACK; do
		fail_rows changed "$how"
		sqlite3 "$GUEST_DIR/connectd.db" .dump >"$GUEST_DIR/before"
		while read -r command; do
			# shellcheck disable=SC2086 # words
			run --separate-stderr connectd $command <<<'{"Statements":[]}'
			echo "$how: $command: $status $output $stderr"
			[ "$status" -eq 1 ]
			[ -z "$output" ]
			[[ "$stderr" == *"nothing was "@(changed|imported)* ]]
			sqlite3 "$GUEST_DIR/connectd.db" .dump | diff "$GUEST_DIR/before" -
		done <<-END
			instance add 44 --address 192.0.2.44 --host x
			instance remove 43
			instance rebuilt 42
			instance import $GUEST_DIR/list
			org add others
			org remove rivals
			principal add user:cy
			principal remove user:bo
			policy put new -
			policy put none - --managed
			policy attach other user:bo
			policy detach none user:bo
			policy remove none
			token add user:bo
			token add user:bo --instance 42
			token revoke $id
			token remove user:ana
		END
		rows_succeed
	done
	connectd instance remove 43
	connectd audit verify
}

@test "what an operator changed has the Unix user, and for whom sudo ran it" {
	connectd org add one
	SUDO_USER=ana connectd org add two
	[ "$(rows changed | tail -n 2 | jq -r '[.caller, .reason, .unix_user, .sudo_user] | join("|")')" = \
		"$(printf 'operator|org add one|%s|\noperator|org add two|%s|ana' "$(id -un)" "$(id -un)")" ]
	SUDO_USER=$'x\n\e[2Jy' connectd instance rebuilt 43
	[ "$(rows changed | tail -n 1 | jq -r '[.vm_id, .org, .sudo_user] | join("|")')" = $'43|default|x\n\e[2Jy' ]
	connectd audit | tail -n 1 | grep -F 'sudo_user=x\n\x1b[2Jy'
	connectd audit verify
	compute /compute/instance/43/connect/events
	[ "$(field '[.events[] | has("unix_user") or has("sudo_user")] | any')" = false ]
}

@test "a receipt whose row cannot be written is not taken, and is when it is sent again" {
	for how in ABORT ROLLBACK; do
		connect '{"vm_id":42,"user":"ubuntu"}'
		one=$(last_grant)
		connect '{"vm_id":42,"user":"ubuntu"}'
		two=$(last_grant)
		body="{\"receipts\":[{\"jti\":\"$one\"},{\"jti\":\"$two\"}]}"
		before=$(rows used | wc -l)
		# The first has room, and the second has not.
		sqlite3 "$GUEST_DIR/connectd.db" "CREATE TRIGGER fails BEFORE INSERT ON audit
			WHEN new.event = 'used' AND new.jti = '$two' BEGIN SELECT RAISE($how, 'no room'); END"
		metadata receipts --data-binary "$body"
		[ "$code $(field .error.code)" = "503 metadata.unavailable" ]
		[ "$(rows used | wc -l)" -eq "$before" ]
		metadata 'grants?user=ubuntu'
		[ "$(field '.grants | length')" -eq 2 ]
		# Everything else goes on.
		connect '{"vm_id":43,"user":"ubuntu"}'
		[ "$code" = 200 ]
		rows_succeed
		metadata receipts --data-binary "$body"
		[ "$code" = 204 ]
		[ "$(rows used | wc -l)" -eq $((before + 2)) ]
		metadata 'grants?user=ubuntu'
		[ "$(field '.grants | length')" -eq 0 ]
	done
	curl -s "$COMPUTE/metrics" | grep -x 'exc_connectd_grants_used_total 4'
}

@test "host keys whose row cannot be written are not kept, and a grant whose row cannot be is served all the same" {
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$GUEST_DIR/key"
	body="{\"host_keys\":[\"$(cut -d' ' -f1,2 "$GUEST_DIR/key.pub")\"]}"
	for how in ABORT ROLLBACK; do
		fail_rows host_keys "$how"
		metadata host-keys -X PUT --data-binary "$body"
		[ "$code" = 503 ]
		[ "$(connectd instance show 42 | jq '.guest_host_keys | length')" -eq 0 ]
		rows_succeed
		fail_rows served "$how"
		connect '{"vm_id":42,"user":"ubuntu"}'
		jti=$(last_grant)
		metadata 'grants?user=ubuntu'
		[ "$code $(field '.grants | length > 0')" = "200 true" ]
		[ "$(rows served | grep -c "$jti")" -eq 0 ]
		rows_succeed
		metadata 'grants?user=ubuntu'
		[ "$(rows served | grep -c "$jti")" -eq 1 ]
	done
	metadata host-keys -X PUT --data-binary "$body"
	[ "$code" = 204 ]
	[ "$(rows host_keys | wc -l)" -eq 1 ]
}

@test "a repeated answer, and reading who one is or what happened, leave rows or are not given" {
	connect '{"vm_id":42,"user":"ubuntu"}' -H 'Idempotency-Key: one'
	first=$answer
	connect '{"vm_id":42,"user":"ubuntu"}' -H 'Idempotency-Key: one'
	[ "$answer" = "$first" ]
	[ "$(rows repeated | jq -r '[.caller, .vm_id, .user, .jti, .source] | join("|")')" = "user:ana|42|ubuntu|$(last_grant)|127.0.0.1" ]
	[[ "$(rows repeated | jq -r .request_id)" == req_* ]]
	compute /iam/me
	[ "$(rows read | jq -r '[.caller, .reason, .request_id] | join("|")')" = "user:ana|me|$(field .request_id)" ]
	compute /compute/instance/43/connect/events
	[ "$(rows read | tail -n 1 | jq -r '[.caller, .vm_id, .reason, .request_id] | join("|")')" = "user:ana|43|events|$(field .request_id)" ]
	[[ "$(rows read | tail -n 1 | jq -r .decision)" == "allowed by "* ]]
	for event in repeated read; do
		fail_rows $event ABORT
		connect '{"vm_id":42,"user":"ubuntu"}' -H 'Idempotency-Key: one'
		[ "$event $code" = "repeated 503" ] || [ "$event $code" = "read 200" ]
		for path in /iam/me /compute/instance/43/connect/events; do
			compute $path
			[ "$event $code" = "repeated 200" ] || [ "$event $code $(field .error.code)" = "read 503 compute.unavailable" ]
		done
		rows_succeed
	done
	connectd audit verify
}

@test "the command and the networks that a grant allows are in its rows" {
	connect '{"vm_id":42,"user":"ubuntu","command":"echo \"a b\"; id","source":["192.0.2.0/24","2001:db8::1"]}'
	[ "$code" = 200 ]
	metadata 'grants?user=ubuntu'
	metadata receipts --data-binary "{\"receipts\":[{\"jti\":\"$(last_grant)\",\"command\":\"other\",\"source\":\"x\",\"audit_session\":\"17\"}]}"
	for event in issued served used; do
		row=$(rows $event)
		[ "$(jq -r .command <<<"$row")" = 'echo "a b"; id' ]
		[ "$(jq -r .allowed_source <<<"$row")" = "192.0.2.0/24,2001:db8::1/128" ]
	done
	[ "$(jq -r .audit_session <<<"$row")" = 17 ]
	compute /compute/instance/42/connect/events
	[ "$(field '[.events[] | select(.command != null) | .event] | join(" ")')" = "issued served used" ]
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$(rows issued | tail -n 1 | jq -r '[has("command"), has("allowed_source")] | any')" = false ]
	for odd in '"x"' 17 '""' '"1\n"' '"12345678901"' null; do
		connect '{"vm_id":42,"user":"ubuntu"}'
		metadata receipts --data-binary "{\"receipts\":[{\"jti\":\"$(last_grant)\",\"audit_session\":$odd}]}"
		[ "$(rows used | tail -n 1 | jq 'has("audit_session")')" = false ]
	done
	connectd audit verify
}

@test "verify does not take a trail for unchanged whose hashes were all cleared" {
	connect '{"vm_id":42,"user":"ubuntu"}'
	tamper "UPDATE audit SET hash = NULL, caller = 'user:nobody'; UPDATE audit_head SET hash = ''"
	run connectd audit verify
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"none of the "*" rows has a hash"* ]]
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
