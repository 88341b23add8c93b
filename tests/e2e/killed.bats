#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whatever is killed, and whenever: never two sessions for one key, and the next fresh key works.

load file_guest

ROUNDS=20

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	# The agent under strace, which does to it what /run/kill says: SYSCALL, and what (--inject of strace(1)).
	guest sh -c ': >/run/kill'
	sshd_asks /usr/local/bin/killed-agent <<'END'
#!/bin/sh
if read -r call what </run/kill; then
	exec strace -qq -o /dev/null -e trace="$call" -e inject="$call:$what" \
		/usr/bin/exc-instance-connect "$@"
fi
exec /usr/bin/exc-instance-connect "$@"
END
}

setup() {
	file_guest_ready
	guest sh -c ': >/run/kill'
}

# sessions KEY N: try the key N times; prints how many sessions it opened
sessions() {
	local i
	for ((i = 0; i < $2; i++)); do
		login "$1" ubuntu echo in 2>/dev/null || true
	done | grep -cx in || true
}

# Every system call by which the agent leaves a trace, first, second and third time.
kill_the_agent_everywhere() {
	local call when key opened killed=0
	for call in mkdirat openat linkat unlinkat sendmsg sendto utimensat fstatat,newfstatat write exit_group; do
		for when in 1 2 3; do
			key=$(ask ubuntu)
			guest sh -c "echo '$call signal=KILL:when=$when' >/run/kill"
			opened=$(sessions "$key" 1)
			[ "$opened" -eq 1 ] || killed=$((killed + 1))
			guest sh -c ': >/run/kill; rm -f /run/exc-instance-connect/endpoint.failures'
			opened=$((opened + $(sessions "$key" 2)))
			echo "killed at $call $when: $opened sessions"
			[ "$opened" -le 1 ] || return 1
			[ "$(sessions "$(ask ubuntu)" 1)" -eq 1 ] || return 1
		done
	done
	# The killing did happen.
	[ "$killed" -gt 5 ]
}

@test "the agent killed at any system call opens no key twice" {
	kill_the_agent_everywhere
}

@test "the agent killed at any system call opens no key twice, also without the module" {
	agent_conf "single_use = connection"
	guest sed -i.module '/pam_exc_instance_connect/d' /etc/pam.d/sshd
	run kill_the_agent_everywhere
	guest mv /etc/pam.d/sshd.module /etc/pam.d/sshd
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the agent in which what it needs has run out, or fails, opens no key twice" {
	local call error key opened
	for error in ENOSPC EIO EACCES EMFILE ENOMEM; do
		for call in mkdirat openat linkat write sendto,sendmsg connect; do
			key=$(ask ubuntu)
			guest sh -c "echo '$call error=$error' >/run/kill"
			opened=$(sessions "$key" 1)
			guest sh -c ': >/run/kill; rm -f /run/exc-instance-connect/endpoint.failures'
			opened=$((opened + $(sessions "$key" 2)))
			echo "$call fails with $error: $opened sessions"
			[ "$opened" -le 1 ]
			[ "$(sessions "$(ask ubuntu)" 1)" -eq 1 ]
		done
	done
}

# Kill -9 all of sshd but its listener, at a random moment of a login.
@test "sshd's process of a connection killed at any moment opens no key twice" {
	local round key opened survived=0
	for ((round = 0; round < ROUNDS; round++)); do
		key=$(ask ubuntu)
		guest bash -c '
			listener=$(cat "$1/sshd.pid")
			# From the moment that there is a connection
			for ((i = 0; i < 2000; i++)); do
				children=$(cat /proc/$listener/task/$listener/children)
				[ -z "${children// /}" ] || break
				read -rt 0.002 <> <(:) || true
			done
			read -rt "0.$(printf %03d $((RANDOM % 150)))" <> <(:) || true
			pkill -KILL -P "$listener"' bash "$GUEST_DIR" >/dev/null 2>&1 3>&- &
		opened=$(sessions "$key" 1)
		wait $! || true
		survived=$((survived + opened))
		opened=$((opened + $(sessions "$key" 2)))
		echo "round $round: $opened sessions"
		[ "$opened" -le 1 ]
		[ "$(sessions "$(ask ubuntu)" 1)" -eq 1 ]
	done
	echo "$survived of $ROUNDS logins came before the kill"
	[ "$survived" -lt "$ROUNDS" ]
}

@test "exc-connectd killed while keys are asked for and used loses none that it gave out" {
	local round key keys=() opened=0 i
	for ((round = 0; round < 5; round++)); do
		keys=()
		for i in 1 2 3 4; do
			: >"$BATS_TEST_TMPDIR/$i"
			(ask ubuntu >"$BATS_TEST_TMPDIR/$i" 2>/dev/null || : >"$BATS_TEST_TMPDIR/$i") 3>&- &
		done
		wait_for grep -q . "$BATS_TEST_TMPDIR"/[1-4] # one answer is out
		connectd_stop KILL
		wait
		connectd_start
		guest rm -f /run/exc-instance-connect/endpoint.failures
		for i in 1 2 3 4; do
			key=$(<"$BATS_TEST_TMPDIR/$i")
			[ -z "$key" ] || keys+=("$key")
		done
		[ ${#keys[@]} -ge 1 ]
		for key in "${keys[@]}"; do
			opened=$(sessions "$key" 2)
			[ "$opened" -eq 1 ]
		done
	done
}
