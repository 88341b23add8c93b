#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The walls around the agent: they keep an intruder in, and nobody who should log in out.

load guest
load front

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	guest install -d -m 0777 /run/booty
	fronts_start
}

teardown_file() {
	fronts_stop
	file_guest_stop
}

setup() {
	file_guest_ready
	guest sh -c 'rm -f /run/booty/* /etc/ld.so.preload'
}

@test "while the endpoint keeps the agent waiting, the kernel says that the walls stand" {
	endpoint_start silent
	agent authorized-keys ubuntu "SHA256:$(head -c 32 /dev/zero | base64 | tr -d =)" 3>&- &
	wait_for agent_is_inside
	endpoint_stop
}
agent_is_inside() {
	local name
	for name in agent fetch; do
		guest sh -c 'cat "/proc/$(pgrep -x "$1")/status"' sh "$name" >"$BATS_TEST_TMPDIR/status" 2>&1
		grep -q '^NoNewPrivs:.1$' "$BATS_TEST_TMPDIR/status" && grep -q '^Seccomp:.2$' "$BATS_TEST_TMPDIR/status" ||
			return
	done
}

@test "one-time keys log in by an IPv6 address" {
	logs_in_by "http://[fd97::2]:8080"
}

@test "one-time keys log in by https" {
	logs_in_by https://127.0.0.2:8443
	logs_in_by "https://[fd97::2]:8443"
}

@test "one-time keys log in by a name in /etc/hosts, with https and without" {
	name_in_hosts metadata.test 127.0.0.2
	logs_in_by_name metadata.test
	name_in_hosts
}

@test "one-time keys log in by a name in the DNS, with https and without" {
	name_in_dns metadata.test 127.0.0.2
	logs_in_by_name metadata.test
}

@test "a name that nobody knows is said to be unreachable, and nothing is killed" {
	agent_conf "metadata_url = http://nowhere.test"
	run login "$(ask ubuntu)" ubuntu true
	[ "$status" -eq 255 ]
	[ "$(events EVENT REASON)" = "problem endpoint_unreachable" ]
}

@test "a trust anchor may be a link to a file anywhere" {
	guest mkdir -p /srv/anchors
	guest mv /etc/exc-instance-connect/trust.d/operator.pem /srv/anchors/operator.pem
	guest ln -s /srv/anchors/operator.pem /etc/exc-instance-connect/trust.d/operator.pem
	run login "$(ask ubuntu)" ubuntu true
	guest rm /etc/exc-instance-connect/trust.d/operator.pem
	guest mv /srv/anchors/operator.pem /etc/exc-instance-connect/trust.d/operator.pem
	[ "$status" -eq 0 ]
}

@test "each way of keeping a key to one session works inside" {
	for single_use in pam connection no; do
		agent_conf "single_use = $single_use"
		login "$(ask ubuntu)" ubuntu true
	done
}

@test "where there is no journal, syslog gets the entry from inside" {
	guest sh -c 'mv /run/systemd/journal/socket /run/systemd/journal/away'
	guest "$PYTHON" -c 'import os, socket
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
os.path.lexists("/dev/log") and os.unlink("/dev/log")
server.bind("/dev/log")
os.chmod("/dev/log", 0o666)
print("ready", flush=True)
while True: print(server.recv(4096).decode(), flush=True)' >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- </dev/null &
	wait_for grep -q ready "$BATS_TEST_TMPDIR/log"
	run login "$(ask ubuntu)" ubuntu true
	guest sh -c 'mv /run/systemd/journal/away /run/systemd/journal/socket; ln -sf /run/systemd/journal/dev-log /dev/log'
	[ "$status" -eq 0 ]
	grep -q "one-time key offered to sshd: user ubuntu" "$BATS_TEST_TMPDIR/log"
}

@test "a next_command is outside: it has the rights and the limits that sshd gave it" {
	printf '#!/bin/sh\ngrep -E "^(NoNewPrivs|Seccomp):" /proc/self/status >/run/booty/status\nulimit -n >/run/booty/limit\n' |
		guest install -m 0755 /dev/stdin /usr/bin/other-keys
	agent_conf "next_command = /usr/bin/other-keys %u"
	login "$(ask ubuntu)" ubuntu true
	[ "$(guest cat /run/booty/status)" = $'NoNewPrivs:\t0\nSeccomp:\t0' ]
	[ "$(guest cat /run/booty/limit)" -gt 64 ]
}

# intrude KIND [CONFIGURATION LINE...]: an intruder is in the agent's JSON parser, and somebody comes with a key
intrude() {
	agent_conf "${@:2}"
	[ -e "$BATS_FILE_TMPDIR/intruder.so" ] ||
		gcc -shared -fPIC -O2 -o "$BATS_FILE_TMPDIR/intruder.so" "$BATS_TEST_DIRNAME/intruder.c"
	guest install -m 0755 /dev/stdin /usr/lib/intruder.so <"$BATS_FILE_TMPDIR/intruder.so"
	guest sh -c "echo $1 >/usr/share/intrusion; echo /usr/lib/intruder.so >/etc/ld.so.preload"
	INTRUDED=0
	agent authorized-keys ubuntu "$(fingerprint_of "$(ask ubuntu)")" >"$BATS_TEST_TMPDIR/printed" || INTRUDED=$?
	[ ! -s "$BATS_TEST_TMPDIR/printed" ]
	# Nobody else is any worse for it.
	login "$(ordinary_key ubuntu)" ubuntu true
	guest rm /etc/ld.so.preload
}
fingerprint_of() { jq -r .fingerprint "$1.answer"; }
# 128 and the number of SIGSYS
KILLED=159

@test "an intruder in the agent cannot start a shell: the kernel ends it" {
	intrude s "sandbox = no"
	guest test -e /run/booty/shell
	guest rm /run/booty/shell
	intrude s
	[ "$INTRUDED" -eq "$KILLED" ]
	guest test ! -e /run/booty/shell
}

@test "an intruder in the agent cannot leave a file where everybody may" {
	intrude w "sandbox = no"
	guest test -e /run/booty/written
	guest rm /run/booty/written
	intrude w
	guest test ! -e /run/booty/written
}

@test "an intruder in the agent cannot reach this machine's other services" {
	guest "$PYTHON" -c 'import socket
server = socket.create_server(("127.0.0.1", 9))
print("ready", flush=True)
while True: print(server.accept()[0].recv(16).decode(), flush=True)' >"$BATS_TEST_TMPDIR/reached" 2>&1 3>&- </dev/null &
	wait_for grep -q ready "$BATS_TEST_TMPDIR/reached"
	intrude c
	[ -z "$(grep booty "$BATS_TEST_TMPDIR/reached")" ]
	intrude c "sandbox = no"
	wait_for grep -q booty "$BATS_TEST_TMPDIR/reached"
}

@test "an intruder in the agent cannot take the machine's memory" {
	intrude m
	[ "$INTRUDED" -eq 0 ] # it came to an end, which without the bound only the kernel's last resort brings
}

@test "the other command's keys log in though the agent was ended" {
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/corporate"
	guest install -m 0644 "$GUEST_DIR/keys/corporate.pub" /usr/share/corporate-keys
	printf '#!/bin/sh\nexec cat /usr/share/corporate-keys\n' | guest install -m 0755 /dev/stdin /usr/bin/other-keys
	intrude s "next_command = /usr/bin/other-keys %u" || true
	guest sh -c 'echo /usr/lib/intruder.so >/etc/ld.so.preload'
	login "$GUEST_DIR/keys/corporate" ubuntu true
}

# fetch_intruder KIND: an intruder is in fetch, in place of libcurl
fetch_intruder() {
	gcc -shared -fPIC -O2 -o "$BATS_TEST_TMPDIR/intruder.so" "$BATS_TEST_DIRNAME/fetch_intruder.c"
	guest install -m 0755 /dev/stdin /usr/lib/intruder.so <"$BATS_TEST_TMPDIR/intruder.so"
	gcc -static -O2 -o "$BATS_TEST_TMPDIR/without-landlock" "$BATS_TEST_DIRNAME/without_landlock.c"
	guest install -m 0755 /dev/stdin /usr/bin/without-landlock <"$BATS_TEST_TMPDIR/without-landlock"
	guest sh -c "echo $1 >/usr/share/intrusion; echo /usr/lib/intruder.so >/etc/ld.so.preload"
}

# intruder_login COMMAND: the intruder comes with a key that no grant names; sshd runs the agent by COMMAND
intruder_login() {
	cp "$GUEST_DIR/sshd_config" "$BATS_TEST_TMPDIR/sshd_config"
	printf '#!/bin/sh\nexec %s /usr/bin/exc-instance-connect "$@"\n' "$1" | sshd_asks /usr/bin/old-kernel
	run login "$GUEST_DIR/keys/intruder" ubuntu id -un
	guest rm -f /etc/ld.so.preload
	guest sh -c "cat >$GUEST_DIR/sshd_config; kill -HUP \$(cat $GUEST_DIR/sshd.pid)" <"$BATS_TEST_TMPDIR/sshd_config"
	wait_for sshd_answers
	echo "$status: $output"
}

@test "an intruder in fetch cannot give sshd a key, with Landlock and on a kernel without it" {
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/intruder"
	guest install -m 0644 /dev/stdin /usr/share/intruder.pub <"$GUEST_DIR/keys/intruder.pub"
	for kernel in "" /usr/bin/without-landlock; do
		fetch_intruder o
		intruder_login "$kernel"
		[ "$status" -eq 255 ]
	done
	# Without walls it can: the test can fail.
	agent_conf "sandbox = no"
	fetch_intruder o
	intruder_login ""
	[ "$status" -eq 0 ]
}
