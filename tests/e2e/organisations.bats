#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whose rows they are: nobody sees another organisation's history, nor that of an instance that had the same name.

load control

setup() {
	control_setup
	connectd org add rivals
	connectd principal add user:eve --org rivals
	connectd policy attach Admin user:eve
	TOKEN=$(connectd token add user:ana --instance '*')
	EVE=$(connectd token add user:eve)
	start
}

teardown() { control_teardown; }

# what [VM_ID [QUERY]]: the events that the caller sees, each with who and for which user
what() {
	compute "/compute/instance/${1-42}/connect/events${2-}"
	[ "$code" = 200 ]
	field '.events[] | [.event, .principal // "-", .user // "-"] | join(" ")'
}
grant() { rows issued | jq -r --arg user "$1" 'select(.user == $user) | .jti'; }

@test "another organisation's attempts are neither in our events nor push ours out" {
	connect '{"vm_id":42,"user":"ours"}'
	for _ in $(seq 20); do
		TOKEN=$EVE connect '{"vm_id":42,"user":"theirs"}'
		[ "$code" = 404 ]
	done
	[ "$(what 42 '?limit=1')" = "issued user:ana ours" ]
	[ "$(what | grep -c theirs)" -eq 0 ]
	[ "$(rows refused | jq -r '"\(.org) \(.vm_id) \(.instance)"' | sort -u)" = "rivals 42 null" ]
}

@test "an instance that is made anew with an id that was in use has no history, and gets no key of the one before" {
	connect '{"vm_id":42,"user":"before"}'
	session=$(field .id)
	old=$(grant before)
	connectd instance remove 42
	connectd instance add 42 --address 127.0.0.1 --host vm42.example
	[ "$(what)" = "changed operator -" ]
	metadata 'grants?user=before'
	[ "$(field '.grants | length')" -eq 0 ]
	metadata receipts --data-binary "{\"receipts\":[{\"jti\":\"$old\"}]}"
	[ -z "$(rows used)" ]
	compute "/compute/instance/connect/tunnel/$session" -H 'Upgrade: websocket' -H 'Connection: Upgrade' \
		-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=='
	[ "$code $(field .error.code)" = "404 compute.session.not_found" ]
	# The operator sees both, told apart.
	[ "$(connectd audit export --json --instance 42 | jq -r '.instance // empty' | sort -u | wc -l)" -eq 2 ]
}

@test "an instance that moves to another organisation leaves its history behind, also when it comes back" {
	move() {
		echo "[{\"vm_id\":\"42\",\"address\":\"127.0.0.1\",\"host\":\"h\",\"org\":\"$1\"}]" | connectd instance import - >/dev/null
	}
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$GUEST_DIR/key"
	metadata host-keys -X PUT --data-binary "{\"host_keys\":[\"$(cut -d' ' -f1,2 "$GUEST_DIR/key.pub")\"]}"
	connect '{"vm_id":42,"user":"ours"}'
	move rivals
	compute /compute/instance/42/connect/events
	[ "$code" = 404 ]
	[ "$(connectd instance show 42 | jq -c .guest_host_keys)" = '[]' ]
	metadata 'grants?user=ours'
	[ "$(field '.grants | length')" -eq 0 ]
	TOKEN=$EVE
	[ "$(what)" = "changed operator -" ]
	connect '{"vm_id":42,"user":"theirs"}'
	metadata 'grants?user=theirs'
	[ "$(rows served | jq -r .org)" = rivals ]
	move default
	TOKEN=$(connectd token add user:bo --instance '*')
	[ "$(what)" = "changed operator -" ]
	# What changes nothing leaves the instance, and its history, as they are.
	connect '{"vm_id":42,"user":"again"}'
	before=$(what 42 '?event=issued')
	move default
	[ "$(what 42 '?event=issued')" = "$before" ]
	connectd audit verify
}

@test "what a guest says and an operator changes belongs to the instance's organisation" {
	connectd instance add 50 --address 192.0.2.50 --host x --org rivals
	connectd instance rebuilt 50
	[ "$(connectd audit export --json --org rivals | jq -r '[.event, .vm_id, .reason // ""] | join(" ")')" = \
		"$(printf '%s\n' 'changed 50 instance add 50' 'changed 50 instance rebuilt 50')" ]
	connect '{"vm_id":42,"user":"ubuntu"}'
	metadata 'grants?user=ubuntu'
	use_grant "$(last_grant)"
	[ "$(connectd audit export --json --org default --instance 42 | jq -r 'select(.user == "ubuntu").event' | paste -sd' ')" = "issued served used" ]
}

@test "events are read page by page, with none twice and none left out, while others are added" {
	for i in $(seq 7); do
		connect "{\"vm_id\":42,\"user\":\"user$i\"}"
		TOKEN=$EVE connect '{"vm_id":42,"user":"theirs"}'
	done
	next='' pages=()
	while :; do
		compute "/compute/instance/42/connect/events?event=issued&limit=3${next:+&before=$next}"
		pages+=("$(field '[.events[].user] | join(" ")')")
		next=$(field '.next // empty')
		[ -n "$next" ] || break
		[[ "$next" =~ ^[0-9a-f]{32}$ ]]
		connect '{"vm_id":42,"user":"later"}'
	done
	[ "$(printf '%s|' "${pages[@]}")" = "user5 user6 user7|user2 user3 user4|user1|" ]
	for before in x 1 "${next:-0}" 00000000000000000000000000000000 "$(printf 'a%.0s' {1..33})"; do
		compute "/compute/instance/42/connect/events?before=$before"
		[ "$code $(field .error.code)" = "400 compute.request.invalid_before" ]
	done
	# The operator's are the rows' own ids.
	ids=$(connectd audit --json --limit 3 | jq -r '.[0].id')
	[ "$(connectd audit --json --limit 2 --before "$ids" | jq -r '[.[].id] | join(" ")')" = "$((ids - 2)) $((ids - 1))" ]
}

@test "rows are chosen by principal, user, event and time" {
	connectd principal add user:bo
	connectd policy attach Admin user:bo
	BO=$(connectd token add user:bo)
	connect '{"vm_id":42,"user":"one"}'
	TOKEN=$BO connect '{"vm_id":42,"user":"two"}'
	TOKEN=$BO connect '{"vm_id":42,"user":"one"}'
	[ "$(what 42 '?principal=user:bo')" = "$(printf '%s\n' 'issued user:bo two' 'issued user:bo one')" ]
	[ "$(what 42 '?user=one&event=issued')" = "$(printf '%s\n' 'issued user:ana one' 'issued user:bo one')" ]
	[ -z "$(what 42 '?event=used')" ]
	[ "$(what 42 '?since=2020-01-01T00:00:00Z&user=two')" = "issued user:bo two" ]
	[ -z "$(what 42 '?since=2999-01-01T00:00:00Z')" ]
	[ -z "$(what 42 '?until=2020-01-01T00:00:00Z')" ]
	for time in x 1 2026-13-01T00:00:00Z 2026-02-30T00:00:00Z 2026-01-01 '2026-01-01T00:00:00Zx'; do
		for name in since until; do
			compute "/compute/instance/42/connect/events?$name=$time"
			[ "$code $(field .error.code)" = "400 compute.request.invalid_$name" ]
		done
		run connectd audit --since "$time"
		[ "$status" -eq 2 ]
	done
	[ "$(connectd audit --principal user:bo --user one --event issued --instance 42 --org default \
		--since 2020-01-01T00:00:00Z --until 2999-01-01T00:00:00Z | wc -l)" -eq 1 ]
	[ "$(connectd audit export --principal user:bo --event issued | wc -l)" -eq 2 ]
	run connectd audit --before 0
	[ "$status" -eq 2 ]
}

# connectd-7.sql is a database of the version before: 42 was the rivals', was removed, and is ours since.
@test "a database of the version before shows each its own history, and verifies" {
	stop
	rm "$GUEST_DIR"/connectd.db*
	sqlite3 "$GUEST_DIR/connectd.db" <"$BATS_TEST_DIRNAME/connectd-7.sql"
	start
	connectd audit verify
	TOKEN=$(connectd token add user:bo --instance '*')
	what >"$GUEST_DIR/seen"
	cat "$GUEST_DIR/seen"
	[ "$(sort "$GUEST_DIR/seen" | paste -sd,)" = "host_keys - -,issued user:ana ours,refused user:ana -,served user:ana ours,used user:ana ours" ]
	[ "$(what 42 '?limit=1&event=issued')" = "issued user:ana ours" ]
	[ -z "$(what 43 '?event=issued')" ]
	metadata 'grants?user=theirs'
	[ "$(field '.grants | length')" -eq 0 ]
	metadata 'grants?user=ours'
	[ "$(field '.grants | length')" -eq 1 ]
	connect '{"vm_id":42,"user":"new"}'
	[ "$(what 42 '?event=issued' | paste -sd,)" = "issued user:ana ours,issued user:bo new" ]
	connectd audit verify
}
