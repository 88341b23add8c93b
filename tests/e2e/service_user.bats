#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The control plane as a service with a user of its own, and root, who runs its commands.

load control

setup() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	# Where the service's user gets at it, which bats' own folders and the build may not let it
	GUEST_DIR=$(mktemp -d)
	chmod 0755 "$GUEST_DIR"
	PROGRAM=$GUEST_DIR/exc-connectd
	install "$EXC_BUILD/src/connectd/exc-connectd" "$PROGRAM"
	STATE=$GUEST_DIR/state
	install -d -m 0700 -o nobody -g nogroup "$STATE"
	control_conf "$STATE"
}

teardown() {
	[ -n "${GUEST_DIR-}" ] || return 0
	control_teardown
	rm -rf "$GUEST_DIR"
}

# all_of_the_service FILE...: is everything the service's, and these there?
all_of_the_service() {
	local name
	find "$STATE" -printf '%f %u %g %m\n' | sort
	for name; do [ -e "$STATE/$name" ] || return 1; done
	[ -z "$(find "$STATE" -mindepth 1 ! \( -user nobody -group nogroup -perm 0600 \))" ]
}

start_service() {
	setpriv --reuid nobody --regid nogroup --clear-groups "$PROGRAM" --config "$GUEST_DIR/connectd.conf" serve \
		>"$GUEST_DIR/out" 2>>"$GUEST_DIR/log" 3>&- &
	PID=$!
	wait_for grep -q '^exc-connectd: compute' "$GUEST_DIR/out"
	COMPUTE=$(sed 's/.* compute \([^ ]*\).*/\1/' "$GUEST_DIR/out")
}

@test "what root makes in the service's folder is the service's" {
	connectd init >"$GUEST_DIR/operator.pem"
	all_of_the_service connectd.db signing-key.pem
	connectd instance add 42 --address 127.0.0.1 --host vm42.example
	TOKEN=$(connectd token add user:ana --instance 42)
	start # as root, and killed, so that nothing is put away
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	kill -KILL "$PID"
	wait "$PID" || true
	connectd org add others
	all_of_the_service connectd.db connectd.db.lock signing-key.pem
	start_service
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
}

@test "while the service serves, root adds and removes" {
	connectd init >"$GUEST_DIR/operator.pem"
	start_service
	connectd instance add 42 --address 127.0.0.1 --host vm42.example
	TOKEN=$(connectd token add user:ana --instance 42)
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 200 ]
	connectd token remove user:ana
	connect '{"vm_id":42,"user":"ubuntu"}'
	[ "$code" = 401 ]
	connectd backup "$GUEST_DIR/copy"
	[ "$(stat -c '%U %a' "$GUEST_DIR/copy")" = "root 600" ]
	all_of_the_service connectd.db connectd.db-wal connectd.db-shm connectd.db.lock signing-key.pem
}

# SQLite does this by itself (fchown in os_unix.c): what it makes beside a database belongs to whom that does.
@test "what SQLite makes for root, and root leaves, is the service's" {
	connectd init >"$GUEST_DIR/operator.pem"
	start
	connectd org add others
	all_of_the_service connectd.db connectd.db-wal connectd.db-shm
}

@test "root gives away nothing that was there before" {
	echo secret >"$GUEST_DIR/root"
	chmod 0600 "$GUEST_DIR/root"
	for name in signing-key.pem connectd.db connectd.db.lock; do
		rm -f "$STATE"/*
		command=init
		if [ "$name" = connectd.db.lock ]; then
			connectd init >/dev/null
			command=serve
		fi
		ln -sf "$GUEST_DIR/root" "$STATE/$name"
		run connectd "$command"
		echo "$name: $output"
		[ "$status" -eq 1 ]
		[ "$(stat -c '%U %a' "$GUEST_DIR/root") $(<"$GUEST_DIR/root")" = "root 600 secret" ]
	done
}

@test "without a configuration file the defaults hold, but one that is named must be there" {
	namespaces_or_skip
	run unshare --mount --propagation private bash -euc '
		mount -t tmpfs tmpfs /etc
		mount -t tmpfs tmpfs /var/lib
		install -d -m 0700 -o 65534 /var/lib/exc-connectd
		"$1" init
		"$1" instance list
		stat -c "%u %a %n" /var/lib/exc-connectd/*
		mkdir /etc/exc-instance-connect
		echo "no such setting" >/etc/exc-instance-connect/connectd.conf
		! "$1" instance list
		chmod 0600 /etc/exc-instance-connect/connectd.conf
		! setpriv --reuid 65534 --clear-groups "$1" serve' bash "$PROGRAM"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == "-----BEGIN PUBLIC KEY-----"*"
65534 600 /var/lib/exc-connectd/connectd.db
65534 600 /var/lib/exc-connectd/signing-key.pem
exc-connectd: /etc/exc-instance-connect/connectd.conf line 1: "*"
exc-connectd: /etc/exc-instance-connect/connectd.conf: Permission denied; see exc-connectd.conf(5)" ]]
	run "$PROGRAM" --config "$GUEST_DIR/none.conf" instance list
	[ "$status" -eq 1 ]
	[ "$output" = "exc-connectd: $GUEST_DIR/none.conf: No such file or directory; see exc-connectd.conf(5)" ]
}
