#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Machines that were set up years ago: whatever their sshd looks like, installing switches one-time keys on or
# says what to do, and removing leaves what was there.

load machine

setup_file() {
	file_machine_start
	[ -z "$OBSTACLE" ] || return 0
	ssh-keygen -q -t ed25519 -N '' -C corporate -f "$GUEST_DIR/keys/corporate"
	guest sh -c 'cat >/usr/share/corporate-keys' <"$GUEST_DIR/keys/corporate.pub"
	guest sh -c 'printf "#!/bin/sh\ncat /usr/share/corporate-keys\n" >/usr/bin/other-keys && chmod 0755 /usr/bin/other-keys'
}

teardown_file() {
	machine_stop
}

setup() {
	file_machine_ready
	guest_files >"$BATS_TEST_TMPDIR/before"
}

teardown() {
	[ -n "${GUEST_DIR-}" ] || return 0
	guest sh -c 'dpkg --purge exc-instance-connect >/dev/null 2>&1
		rm -rf /etc/ssh/sshd_config.d/*-other.conf /etc/systemd/system/ssh.service.d
		[ ! -e /run/sshd_config.kept ] || mv /run/sshd_config.kept /etc/ssh/sshd_config
		systemctl daemon-reload
		systemctl restart ssh'
	login "$(ordinary_key ubuntu)" ubuntu true
}

# What decides how sshd is started, and what it does
guest_files() { guest sh -c 'find /etc/ssh /etc/pam.d /etc/systemd/system -type f -exec sha256sum {} + | sort -k2'; }
install_package() { documented "Install from a repository" 1 2>&1; }
one_time_login() { login "$(ask ubuntu)" ubuntu true; }
corporate_login() { login "$GUEST_DIR/keys/corporate" ubuntu true; }
keep_sshd_config() { guest cp -p /etc/ssh/sshd_config /run/sshd_config.kept; }
# one_time_login_once: a key logs in, and is refused the second time
one_time_login_once() {
	local key
	key=$(ask ubuntu)
	login "$key" ubuntu true
	run login "$key" ubuntu true
	[ "$status" -eq 255 ]
}

@test "an sshd_config without drop-ins stays as it is: systemd's unit gets our options, and loses them again" {
	keep_sshd_config
	guest sh -c "sed -i '/^Include/d' /etc/ssh/sshd_config; echo 'SSHD_OPTS=\"-o LogLevel=VERBOSE\"' >>/etc/default/ssh; systemctl restart ssh"
	guest_files >"$BATS_TEST_TMPDIR/before"
	open_session "$(ordinary_key ubuntu)" ubuntu
	[ "$(in_session id -un)" = ubuntu ]
	install_package
	guest_trust
	one_time_login_once
	guest sh -c 'tr "\0" " " </proc/$(systemctl show -P MainPID ssh)/cmdline' | grep -o 'LogLevel=VERBOSE'
	guest exc-instance-connect doctor
	[[ "$(guest exc-instance-connect sshd status)" == *"ssh*.service.d/zz-exc-instance-connect.conf"* ]]
	[ "$(in_session id -un)" = ubuntu ] # a session stays when sshd is restarted
	close_session
	guest dpkg --purge exc-instance-connect
	guest_files | diff "$BATS_TEST_TMPDIR/before" -
	run one_time_login
	[ "$status" -eq 255 ]
	guest sed -i '/LogLevel=VERBOSE/d' /etc/default/ssh
}

@test "an AuthorizedKeysCommand in a file stays, the package says what to do, and --chain makes both work" {
	guest sh -c 'printf "AuthorizedKeysCommand /usr/bin/other-keys %%u\nAuthorizedKeysCommandUser nobody\n" >/etc/ssh/sshd_config.d/10-other.conf; systemctl reload ssh'
	wait_for corporate_login
	guest_files >"$BATS_TEST_TMPDIR/before"
	run install_package
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"another AuthorizedKeysCommand, and nothing was changed"*"sshd enable --chain"* ]]
	guest_files | grep -v exc-instance-connect | diff <(grep -v exc-instance-connect "$BATS_TEST_TMPDIR/before") -
	corporate_login
	guest_trust
	guest exc-instance-connect sshd enable --chain
	corporate_login
	one_time_login_once
	guest dpkg --purge exc-instance-connect
	guest_files | diff "$BATS_TEST_TMPDIR/before" -
	corporate_login
}

# EC2's package does it so.
@test "an AuthorizedKeysCommand on sshd's command line stays, and --chain makes both work" {
	guest sh -c 'mkdir -p /etc/systemd/system/ssh.service.d
		cat >/etc/systemd/system/ssh.service.d/ec2-instance-connect.conf
		systemctl daemon-reload
		systemctl restart ssh' <<'END'
[Service]
ExecStart=
ExecStart=/usr/sbin/sshd -D -o "AuthorizedKeysCommand /usr/bin/other-keys %%u %%f" -o "AuthorizedKeysCommandUser nobody" $SSHD_OPTS
END
	wait_for corporate_login
	guest_files >"$BATS_TEST_TMPDIR/before"
	run install_package
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"/usr/bin/other-keys %u %f (as nobody)"*"It is on sshd's command line; see: systemctl cat ssh.service"* ]]
	corporate_login
	guest_trust
	guest exc-instance-connect sshd enable --chain
	corporate_login
	one_time_login_once
	guest exc-instance-connect sshd disable
	guest dpkg --purge exc-instance-connect
	guest_files | diff "$BATS_TEST_TMPDIR/before" -
	corporate_login
}

@test "a command of a Match block stays for its users, and the others get one-time keys" {
	guest sh -c 'printf "Match User ana\nAuthorizedKeysCommand /usr/bin/other-keys %%u\nAuthorizedKeysCommandUser nobody\n" >/etc/ssh/sshd_config.d/10-other.conf; systemctl reload ssh'
	run install_package
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"for some users, such as ana; it stays"* ]]
	guest_trust
	one_time_login_once
	login "$GUEST_DIR/keys/corporate" ana true
}

@test "an sshd_config with a mistake is left alone, the package says so, and is installed" {
	keep_sshd_config
	guest sh -c 'echo NoSuchKeyword yes >>/etc/ssh/sshd_config'
	guest_files >"$BATS_TEST_TMPDIR/before"
	run install_package
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"broken before, and nothing was changed"*"NoSuchKeyword"* ]]
	[ "$(guest dpkg-query -W -f '${db:Status-Status}' exc-instance-connect)" = installed ]
	guest_files | grep -v exc-instance-connect | diff <(grep -v exc-instance-connect "$BATS_TEST_TMPDIR/before") -
	login "$(ordinary_key ubuntu)" ubuntu true # the sshd that runs goes on
}
