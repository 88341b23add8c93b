#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The README's quick start as printed, on two machines in namespaces: a control plane and a guest with a stock sshd.
#
# Each block after <!-- quickstart:NAME --> in README.md is run as it stands, in the order in which it is printed, and
# then those in docs/operate.md; the tests are one story and follow each other. `make install` stands for the packages, and a process with the
# user and the capability of exc-connectd.service for systemd: tests/guests/control.bats shows the service itself.

load guest

README=$BATS_TEST_DIRNAME/../../README.md
OPERATE=$BATS_TEST_DIRNAME/../../docs/operate.md

# blocks FILE: the names of its marked blocks, in their order
blocks() { sed -n 's/^<!-- quickstart:\([a-z-]*\) -->$/\1/p' "$1"; }
# block NAME: what is printed there
block() {
	cat "$README" "$OPERATE" | awk -v marker="<!-- quickstart:$1 -->" '
		$0 == marker { marked = 1; next }
		marked && /^```sh$/ { inside = 1; next }
		inside && /^```$/ { exit }
		inside'
}

# The control plane's machine: the operator of guest.bash, with files of its own
control() { nsenter -t "$(<"$GUEST_DIR/operator.pid")" -m -n -p -- "$@"; }
# typed COMMAND...: run the block on standard input as root would in root's home; what it reads is what is TYPED
typed() { "$@" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 bash -euc "cd; $(cat)" <<<"${TYPED-}"; }

addresses() {
	control ip address add 10.0.0.1/24 dev guest
	guest ip address add 10.0.0.42/24 dev eth0
}

# The programs as `make install` leaves them, and the user
control_install() {
	control cp -a --no-preserve=ownership "$EXC_BUILD/stage/." /
	control systemd-sysusers exc-connectd.conf
	control systemd-tmpfiles --create exc-connectd.conf
}

# exc-connectd.service: its user, its capability, its folder
service_start() {
	: >"$GUEST_DIR/connectd.out"
	: >"$GUEST_DIR/connectd.log"
	control setpriv --reuid exc-connectd --regid exc-connectd --clear-groups --inh-caps=-all,+net_bind_service \
		--ambient-caps=-all,+net_bind_service /usr/sbin/exc-connectd \
		>"$GUEST_DIR/connectd.out" 2>"$GUEST_DIR/connectd.log" 3>&- </dev/null &
	wait_for grep -q '^exc-connectd: compute' "$GUEST_DIR/connectd.out"
}

setup_file() {
	namespaces_allowed || return 0
	GUEST_DIR=$(mktemp -d)
	export GUEST_DIR
	chmod 0755 "$GUEST_DIR"
	mkdir "$GUEST_DIR/layers"
	stage_build
	hold operator --mount --net --mount-proc --propagation private
	hold guest --mount --net --mount-proc --propagation private
	guest_network
	guest_mounts
	(guest() { control "$@"; }; guest_mounts)
	addresses
	control_install
	guest "$BATS_TEST_DIRNAME/guest-setup" "$EXC_BUILD/stage" "$GUEST_DIR" 42 22 stock \
		>"$GUEST_DIR/setup.log" 2>&1 3>&- </dev/null || { cat "$GUEST_DIR/setup.log" >&2; return 1; }
	wait_for sshd_answers
	wait_for guest_is_sure
}

teardown_file() {
	file_guest_stop
}

setup() {
	[ -n "${GUEST_DIR-}" ] || skip "this machine permits no namespaces"
}

@test "the documents have these blocks, in this order" {
	[ "$(blocks "$README" | xargs)" = "control service guest doctor login more ssh audit" ]
	[ "$(blocks "$OPERATE" | xargs)" = "tls tls-login policy" ]
	for name in $(blocks "$README") $(blocks "$OPERATE"); do
		[ -n "$(block "$name")" ]
	done
}

@test "the control plane is set up as printed, and its service can start" {
	block control | typed control
	[ "$(block service)" = "systemctl enable --now exc-connectd" ]
	service_start
	[ "$(control stat -c %U /var/lib/exc-connectd/connectd.db)" = exc-connectd ]
	grep -q 'metadata http://10\.0\.0\.1:80' "$GUEST_DIR/connectd.out"
}

@test "the guest is set up as printed, and doctor finds nothing that keeps one-time keys from working" {
	control cat /root/operator.pem | guest install -m 0644 /dev/stdin /root/operator.pem
	block guest | typed guest
	run typed guest < <(block doctor)
	echo "$output"
	[ "$status" -le 1 ]
	guest exc-instance-connect sshd status
}

@test "ana logs in as printed, and is ubuntu on the guest" {
	TYPED='echo "I am $(id -un) at $SSH_CONNECTION"' run typed control < <(block login)
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"I am ubuntu at 10.0.0.1 "*" 10.0.0.42 22"* ]]
	[ "$(guest journalctl --no-pager -q -o cat EXC_EVENT=used EXC_USER=ubuntu EXC_CALLER=user:ana | wc -l)" -eq 1 ]
}

@test "commands, copies and the log work as printed" {
	as_agent /usr/bin/exc-instance-connect report # which the package's timer does
	run typed control < <(block more)
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"load average"* ]]
	[[ "$output" == *" issued "*" used "*" user:ana "*" ubuntu "* ]]
	[ "$(guest cat /tmp/hostname)" = "$(control cat /etc/hostname)" ]
}

@test "plain ssh works as printed" {
	TYPED='echo "I am $(id -un)"' run typed control < <(block ssh)
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"I am ubuntu"* ]]
}

@test "the audit trail has what happened, as printed" {
	run typed control < <(block audit)
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *issued*user:ana* ]]
}

@test "with a certificate as printed, ana logs in over TLS" {
	block tls | typed control
	of_operator pkill -f '^/usr/sbin/exc-connectd$'
	is_gone() { ! of_operator pgrep -f '^/usr/sbin/exc-connectd$' >/dev/null; }
	wait_for is_gone
	service_start
	run typed control < <(block tls-login)
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"load average"* ]]
}

@test "a policy as printed lets bo log in" {
	run typed control < <(block policy)
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *ConnectTo42* ]]
	[ "$(control env HOME=/root EXC_CACERT=/etc/exc-instance-connect/connectd-tls.pem EXC_ENDPOINT=https://10.0.0.1:8443 \
		EXCLOUD_ACCESS_TOKEN="$(control cat /root/bo.token)" exc compute exec --vm-id 42 --command 'id -un')" = ubuntu ]
}
