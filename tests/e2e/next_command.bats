#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# next_command: the AuthorizedKeysCommand that was there before us goes on letting its people in.

load file_guest

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	ssh-keygen -q -t ed25519 -N '' -C corporate -f "$GUEST_DIR/keys/corporate"
	guest install -m 0644 "$GUEST_DIR/keys/corporate.pub" /usr/share/corporate-keys
}

# other SCRIPT: what stands in for somebody else's command
other() {
	printf '#!/bin/sh\n%s\n' "$1" >"$BATS_TEST_TMPDIR/other"
	guest install -m 0755 "$BATS_TEST_TMPDIR/other" /usr/bin/other-keys
}
corporate_login() { login "$GUEST_DIR/keys/corporate" ubuntu true; }

@test "its keys log in, and one-time keys as well, each once" {
	other 'cat /usr/share/corporate-keys'
	agent_conf "next_command = /usr/bin/other-keys %u"
	corporate_login
	logs_in_once
	logged_in_once
	corporate_login
}

# Where the command may write, in the guest's own /run
seen_folder() { guest install -d -m 0777 /run/seen; }

@test "it gets the arguments that sshd would give it, as the agent's user, and nothing of the agent's" {
	seen_folder
	other 'printf "%s\n" "$@" >/run/seen/arguments
id -un >/run/seen/user
umask >/run/seen/umask
grep SigIgn /proc/self/status >/run/seen/ignored
ls /proc/self/fd >/run/seen/descriptors'
	agent_conf 'next_command = /usr/bin/other-keys %u "%f %t" %k %h %U 100%%'
	run corporate_login
	blob=$(cut -d' ' -f2 "$GUEST_DIR/keys/corporate.pub")
	fingerprint=$(ssh-keygen -lf "$GUEST_DIR/keys/corporate.pub" | cut -d' ' -f2)
	guest cat /run/seen/arguments
	[ "$(guest cat /run/seen/arguments)" = "ubuntu
$fingerprint ssh-ed25519
$blob
/home/ubuntu
$(guest id -u ubuntu)
100%" ]
	[ "$(guest cat /run/seen/user)" = exc-instance-connect ]
	[ "$(guest cat /run/seen/umask)" = 0022 ]
	# SIGPIPE and SIGALRM, in the mask of proc(5)
	[ $((0x$(guest awk '{ print $2 }' /run/seen/ignored) & 0x3000)) -eq 0 ]
	# Its three, and the one that ls opens
	[ "$(guest cat /run/seen/descriptors | wc -l)" -eq 4 ]
	agent_conf 'next_command = /usr/bin/other-keys'
	run corporate_login
	[ "$(guest cat /run/seen/arguments)" = ubuntu ]
}

@test "when it fails, is missing, or others may change it, one-time keys go on, and the journal names it" {
	agent_conf "next_command = /usr/bin/other-keys %u"
	for script in 'cat /usr/share/corporate-keys; exit 1' 'kill -KILL $$'; do
		other "$script"
		forget_events
		run corporate_login
		[ "$status" -eq 255 ]
		login "$(ask ubuntu)" ubuntu true
		[ "$(events | sort -u)" = "offered ubuntu -
problem ubuntu next_command_failed
used ubuntu -" ]
	done
	other 'cat /usr/share/corporate-keys'
	guest chmod 0775 /usr/bin/other-keys
	forget_events
	run corporate_login
	[ "$status" -eq 255 ]
	journal EXC_REASON=next_command_failed | jq -r .MESSAGE | grep "/usr/bin/other-keys: users other than root may change it"
	guest rm /usr/bin/other-keys
	forget_events
	run corporate_login
	[ "$status" -eq 255 ]
	journal EXC_REASON=next_command_failed | jq -r .MESSAGE | grep "No such file"
	login "$(ask ubuntu)" ubuntu true
}

# waits: the other command goes on until it is told to
waits() { other "until [ -e /run/seen/go ]; do sleep 0.1; done; cat /usr/share/corporate-keys"; }

@test "when it is slow, its keys log in all the same: sshd decides how long it waits" {
	seen_folder
	waits
	agent_conf "next_command = /usr/bin/other-keys %u"
	corporate_login &
	login=$!
	# After timeout_ms, that it is slow is logged.
	wait_for slow_is_logged
	guest touch /run/seen/go
	wait "$login"
	guest rm /run/seen/go
}
slow_is_logged() { [ "$(events EVENT REASON)" = "problem next_command_timeout" ]; }

@test "when it hangs, a one-time key logs in after timeout_ms, and it is ended with all that it started" {
	other 'sleep 1000 & sleep 1000'
	agent_conf "next_command = /usr/bin/other-keys %u"
	login "$(ask ubuntu)" ubuntu true
	[ "$(events | sort -u)" = "offered ubuntu -
used ubuntu -" ]
	wait_for nothing_sleeps
}
nothing_sleeps() { ! guest pgrep -f 'sleep 1000' >/dev/null; }

@test "when it hangs and nothing else lets the user in, sshd's grace time ends it with all that it started" {
	other 'sleep 1000 & sleep 1000'
	agent_conf "next_command = /usr/bin/other-keys %u"
	guest sh -c "sed 's/^Port .*/Port 2222/; 1i LoginGraceTime 3' '$GUEST_DIR/sshd_config' >/run/grace_config"
	guest /usr/sbin/sshd -D -f /run/grace_config 2>"$GUEST_DIR/grace.log" 3>&- &
	wait_for guest bash -c ': </dev/tcp/127.0.0.1/2222'
	# shellcheck disable=SC2046 # options
	run operator ssh -n $(ssh_options) -p 2222 -i "$GUEST_DIR/keys/corporate" "ubuntu@$GUEST_ADDRESS" true
	[ "$status" -eq 255 ]
	wait_for nothing_sleeps
	guest pkill -f '/run/grace_config'
}

@test "a key that it names is its own: there is no offer, and the key logs in as often as it lets it" {
	key=$(ask ubuntu)
	guest install -m 0644 /dev/stdin /usr/share/named-keys <<<"$(ssh-keygen -y -f "$key")"
	other 'cat /usr/share/named-keys'
	agent_conf "next_command = /usr/bin/other-keys %u"
	login "$key" ubuntu true
	login "$key" ubuntu true
	[ -z "$(events)" ]
	# Where it does not name it, it is a one-time key.
	other 'cat /usr/share/corporate-keys'
	login "$key" ubuntu true
	run login "$key" ubuntu true
	[ "$status" -eq 255 ]
}

@test "its keys log in while the endpoint hangs, the ledger is gone, or the configuration has a typo" {
	other 'cat /usr/share/corporate-keys'
	agent_conf "next_command = /usr/bin/other-keys %u"
	endpoint_start silent
	corporate_login
	[ -z "$(events)" ] # it is not even asked
	endpoint_stop
	guest mv /run/exc-instance-connect /run/away
	run corporate_login
	guest mv /run/away /run/exc-instance-connect
	[ "$status" -eq 0 ]
	agent_conf "timeuot_ms = 5" "next_command = /usr/bin/other-keys %u"
	corporate_login
	run login "$(ask ubuntu)" ubuntu true
	[ "$status" -eq 255 ]
}

@test "it goes on being asked for users whom one-time keys are denied" {
	other 'cat /usr/share/corporate-keys'
	agent_conf "next_command = /usr/bin/other-keys %u" "deny_users = ubuntu"
	corporate_login
	run login "$(ask ubuntu)" ubuntu true
	[ "$status" -eq 255 ]
}

@test "without PAM's module a one-time key is bound to one connection, with a next command as well" {
	other 'cat /usr/share/corporate-keys'
	agent_conf "next_command = /usr/bin/other-keys %u" "single_use = connection"
	logs_in_once
	corporate_login
}

@test "where there can be no process for the agent's own answer, its keys log in, and one-time keys as well" {
	other 'cat /usr/share/corporate-keys'
	agent_conf "next_command = /usr/bin/other-keys %u"
	# As when memory is short: fork(2) copies it, posix_spawn(3) does not.
	gcc -shared -fPIC -x c -o "$BATS_TEST_TMPDIR/no-fork.so" - <<'END'
#include <errno.h>
int fork(void);
int fork(void)
{
	errno = ENOMEM;
	return -1;
}
END
	guest install -m 0755 /dev/stdin /usr/lib/no-fork.so <"$BATS_TEST_TMPDIR/no-fork.so"
	key=$(ask ubuntu)
	public=$(ssh-keygen -y -f "$key" | cut -d' ' -f1,2)
	# shellcheck disable=SC2086 # type and key are two arguments
	run as_sshd env LD_PRELOAD=/usr/lib/no-fork.so \
		/usr/bin/exc-instance-connect authorized-keys ubuntu "$(jq -r .fingerprint "$key.answer")" $public
	[ "$status" -eq 0 ]
	[ "$output" = "$(<"$GUEST_DIR/keys/corporate.pub")
$public" ]
}

@test "a fetch that does not end keeps no one-time key out while next_command hangs" {
	gcc -shared -fPIC -O2 -o "$BATS_TEST_TMPDIR/intruder.so" "$BATS_TEST_DIRNAME/fetch_intruder.c"
	guest install -m 0755 /dev/stdin /usr/lib/intruder.so <"$BATS_TEST_TMPDIR/intruder.so"
	guest sh -c "echo h >/usr/share/intrusion; echo /usr/lib/intruder.so >/etc/ld.so.preload"
	other 'exec sleep 1000'
	agent_conf "next_command = /usr/bin/other-keys %u"
	key=$(ask ubuntu)
	run login "$key" ubuntu true
	guest rm /etc/ld.so.preload
	[ "$status" -eq 0 ]
	wait_for nothing_sleeps
}

@test "other mistakes in agent.conf keep nobody out whom it lets in" {
	other 'cat /usr/share/corporate-keys'
	for lines in '[agent]\ninstance_id = 42' 'instance_id = 42\ntimeout_ms = x\n ' "instance_id = 42\n$(printf '%0300d' 0)"; do
		printf "$lines\nnext_command = /usr/bin/other-keys %%u\n" |
			guest install -m 0644 /dev/stdin /etc/exc-instance-connect/agent.conf
		corporate_login
	done
}

@test "a next_command that does not fit into a line is not run with some of its arguments" {
	seen_folder
	guest rm -f /run/seen/arguments
	other 'printf "%s\n" "$@" >/run/seen/arguments'
	agent_conf "next_command = /usr/bin/other-keys %u $(printf '%0150d' 0) --only-for-members-of administrators"
	run login "$GUEST_DIR/keys/corporate" ubuntu true
	[ "$(events EVENT REASON)" = "problem config_invalid" ]
	run guest test -e /run/seen/arguments
	[ "$status" -eq 1 ]
}

@test "a key that next_command has only in a comment is not its" {
	other 'echo "# nobody has the key $2"'
	agent_conf 'next_command = /usr/bin/other-keys %u %k'
	run login "$(ask ubuntu)" ubuntu true
	[ "$status" -eq 0 ]
}
