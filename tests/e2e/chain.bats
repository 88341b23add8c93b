#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A machine that has an AuthorizedKeysCommand already: it is found wherever it stands, it stays, and with
# --chain both work.

load file_guest

setup_file() {
	file_guest_start stock
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_key ubuntu
	ssh-keygen -q -t ed25519 -N '' -C corporate -f "$GUEST_DIR/keys/corporate"
	guest install -m 0644 "$GUEST_DIR/keys/corporate.pub" /usr/share/corporate-keys
	guest cp -p /etc/ssh/sshd_config /run/sshd_config.kept
}

setup() {
	file_guest_ready
	other 'case $1 in ubuntu) cat /usr/share/corporate-keys ;; esac'
}

teardown() {
	[ -n "${GUEST_DIR-}" ] || return 0
	guest sh -c 'umount /sys/fs 2>/dev/null; rm -f /etc/ssh/sshd_config.d/*-other.conf; cp -p /run/sshd_config.kept /etc/ssh/sshd_config'
	sshd_reload
	wired disable >/dev/null
	ordinary_login
}

wired() { guest /usr/bin/exc-instance-connect sshd "$@"; }
ordinary_login() { login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true; }
corporate_login() { login "$GUEST_DIR/keys/corporate" ubuntu true; }
one_time_login() { login "$(ask ubuntu)" ubuntu true; }
# other SCRIPT: the command of somebody else
other() {
	printf '#!/bin/sh\n%s\n' "$1" >"$BATS_TEST_TMPDIR/other"
	guest install -m 0755 "$BATS_TEST_TMPDIR/other" /usr/bin/other-keys
}
other_lines() {
	printf 'AuthorizedKeysCommand %s\nAuthorizedKeysCommandUser %s\n' "${1-/usr/bin/other-keys %u}" "${2-nobody}"
}
fingerprint_etc() {
	guest find /etc/ssh /etc/pam.d /etc/exc-instance-connect -type f -exec stat -c '%n %a %u %g' {} + \
		-exec sha256sum {} + | sort
}

@test "with --chain both work, and disable leaves the other as it was, wherever it stands" {
	for place in 10-other.conf 70-other.conf ../sshd_config; do
		other_lines | guest sh -c "cat >>/etc/ssh/sshd_config.d/$place"
		sshd_reload
		fingerprint_etc >"$BATS_TEST_TMPDIR/before"
		run wired enable
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == *"nothing was changed"*"/usr/bin/other-keys %u (as nobody)"*"sshd enable --chain"* ]]
		fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
		run wired enable --chain
		echo "$output"
		[ "$status" -eq 0 ]
		[[ "$output" == *"Then the agent runs what sshd asked before, as exc-instance-connect:"*"/usr/bin/other-keys %u"* ]]
		corporate_login
		key=$(ask ubuntu)
		login "$key" ubuntu true
		run login "$key" ubuntu true
		[ "$status" -eq 255 ]
		ordinary_login
		wired enable --chain
		wired enable
		run wired status
		[ "$status" -eq 0 ]
		[[ "$output" == *"The agent then runs: /usr/bin/other-keys %u"* ]]
		[ "$(wired status --json | jq -r .next_command)" = "/usr/bin/other-keys %u" ]
		wired disable
		fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
		corporate_login
		run one_time_login
		[ "$status" -eq 255 ]
		guest sh -c 'rm -f /etc/ssh/sshd_config.d/*-other.conf; cp -p /run/sshd_config.kept /etc/ssh/sshd_config'
		sshd_reload
	done
}

@test "the agent's configuration is kept to the last byte, and made and removed where there was none" {
	other_lines | guest sh -c 'cat >/etc/ssh/sshd_config.d/10-other.conf'
	sshd_reload
	guest sh -c 'printf "# mine\ninstance_id = 42\ntimeout_ms = 1500" >/etc/exc-instance-connect/agent.conf'
	guest chmod 0640 /etc/exc-instance-connect/agent.conf
	guest chgrp exc-instance-connect /etc/exc-instance-connect/agent.conf
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	wired enable --chain
	one_time_login
	corporate_login
	wired disable
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
	guest rm /etc/exc-instance-connect/agent.conf
	wired enable --chain
	[ "$(guest stat -c %a:%U /etc/exc-instance-connect/agent.conf)" = 644:root ]
	wired disable
	run guest test -e /etc/exc-instance-connect/agent.conf
	[ "$status" -eq 1 ]
}

@test "a next_command that a person wrote stays when ours goes, and is not overwritten" {
	agent_conf "next_command = /usr/bin/other-keys %u"
	wired enable
	corporate_login
	wired disable
	guest grep -q '^next_command = /usr/bin/other-keys' /etc/exc-instance-connect/agent.conf
	other_lines "/bin/true %u" | guest sh -c 'cat >/etc/ssh/sshd_config.d/10-other.conf'
	sshd_reload
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	run wired enable --chain
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"another next_command: /usr/bin/other-keys %u"* ]]
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
}

# refused LINES TEXT: --chain says TEXT and changes nothing
refused() {
	guest sh -c "cat >/etc/ssh/sshd_config.d/10-other.conf" <<<"$1"
	sshd_reload
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	run wired enable --chain
	echo "$output"
	[ "$status" -eq 1 ] && [[ "$output" == *"$2"* ]] &&
		fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
}

@test "--chain changes nothing if the other command would not do the same for the agent" {
	guest install -m 0600 -o nobody "$GUEST_DIR/keys/corporate.pub" /usr/share/private-keys
	other 'cat /usr/share/private-keys'
	refused "$(other_lines)" "for root it exits, as nobody, with status 0 and"
	other 'echo "$@"'
	refused "$(other_lines '/usr/bin/other-keys %u' %u)" "it runs as the user who logs in (%u)"
	refused "$(other_lines '/usr/bin/other-keys %C %u')" "tokens or quotes that next_command does not support"
	refused "$(other_lines '/usr/bin/other-keys %u ;x')" "agent.conf cannot hold that command"
	other 'sleep 1000'
	refused "$(other_lines)" "for root it takes longer than 10 seconds"
	agent_conf "timeuot_ms = 1"
	refused "$(other_lines)" "agent.conf has an error"
}

@test "a command that runs as root is chained only with the flag that drops root's rights" {
	root_lines() { other_lines "/usr/bin/other-keys %u" root; }
	root_lines | guest sh -c 'cat >/etc/ssh/sshd_config.d/10-other.conf'
	sshd_reload
	run wired enable
	[ "$status" -eq 1 ]
	[[ "$output" == *"the agent would run it as exc-instance-connect"*"sshd enable --chain --drop-root" ]]
	refused "$(root_lines)" "because that command runs as root"
	corporate_login
	wired enable --chain --drop-root
	corporate_login
	one_time_login
	wired disable
	# The flag does not make a command do what it cannot.
	guest install -m 0600 "$GUEST_DIR/keys/corporate.pub" /usr/share/private-keys
	other 'cat /usr/share/private-keys'
	run wired enable --chain --drop-root
	[ "$status" -eq 1 ]
	[[ "$output" == *"for root it exits, as root, with status 0 and"* ]]
	run wired enable --drop-root
	[ "$status" -eq 2 ]
}

@test "--chain changes nothing if SELinux would forbid the agent to run the other command" {
	guest sh -c 'mount -t tmpfs tmpfs /sys/fs && mkdir -p /sys/fs/selinux/booleans &&
		echo "0 0" >/sys/fs/selinux/booleans/exc_instance_connect_run_next_command'
	refused "$(other_lines)" "SELinux forbids that; allow it first, with: setsebool -P exc_instance_connect_run_next_command on"
	agent_conf 'next_command = /usr/bin/other-keys %u'
	run guest exc-instance-connect doctor
	echo "$output"
	[[ "$output" == *"bad     next_command: SELinux forbids"*"setsebool -P exc_instance_connect_run_next_command on"* ]]
	agent_conf
	guest sh -c 'echo "1 1" >/sys/fs/selinux/booleans/exc_instance_connect_run_next_command'
	other_lines | guest sh -c "cat >/etc/ssh/sshd_config.d/10-other.conf"
	sshd_reload
	wired enable --chain
	guest umount /sys/fs
	corporate_login
	one_time_login
}

@test "a command for the users of a Match block stays theirs, and enable and status say so" {
	guest sh -c 'cat >/etc/ssh/sshd_config.d/70-other.conf' <<END
Match User ana
$(other_lines "/usr/bin/other-keys ubuntu")
END
	ana_login() { login "$GUEST_DIR/keys/corporate" ana true; }
	sshd_reload
	run wired enable
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"for some users, such as ana; it stays"*"/usr/bin/other-keys ubuntu (as nobody)"* ]]
	one_time_login
	ana_login
	run login "$(ask ana)" ana true
	[ "$status" -eq 255 ]
	run wired status
	[ "$status" -eq 0 ]
	[[ "$output" == *"For ana, a Match block asks instead: /usr/bin/other-keys ubuntu (as nobody)"* ]]
	[ "$(wired status --json | jq -r .match_block.user)" = ana ]
	run guest exc-instance-connect doctor
	[ "$status" -eq 1 ]
	[[ "$output" == *"warning Match block: "* ]]
}

@test "a command on the command line of an sshd that runs is found, and nothing is changed" {
	guest sh -c "kill \$(cat /run/sshd.pid)"
	sshd_is_gone() { ! sshd_answers; }
	wait_for sshd_is_gone
	guest /usr/sbin/sshd -o 'AuthorizedKeysCommand /usr/bin/other-keys %u' -o 'AuthorizedKeysCommandUser nobody' 3>&-
	wait_for sshd_answers
	corporate_login
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	for option in "" --chain; do
		# shellcheck disable=SC2086 # no word or one
		run wired enable $option
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == *"started with an AuthorizedKeysCommand on its command line, and nothing was changed"* ]]
		fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
	done
	corporate_login
	guest sh -c "kill \$(cat /run/sshd.pid)"
	wait_for sshd_is_gone
	guest /usr/sbin/sshd 3>&-
	wait_for guest test -s /run/sshd.pid
}
