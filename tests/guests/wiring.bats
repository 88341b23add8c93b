#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Machines that were set up years ago: whatever their sshd looks like, installing switches one-time keys on or
# says what to do, and removing leaves what was there.

load file_machine

setup_file() {
	file_machine_start
	[ -z "$OBSTACLE" ] || return 0
	ssh-keygen -q -t ed25519 -N '' -C corporate -f "$GUEST_DIR/keys/corporate"
	guest sh -c 'cat >/usr/share/corporate-keys' <"$GUEST_DIR/keys/corporate.pub"
	guest sh -c 'printf "#!/bin/sh\ncat /usr/share/corporate-keys\n" >/usr/bin/other-keys && chmod 0755 /usr/bin/other-keys'
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
	[[ "$output" == *"already broken, and nothing was changed"*"NoSuchKeyword"* ]]
	[ "$(guest dpkg-query -W -f '${db:Status-Status}' exc-instance-connect)" = installed ]
	guest_files | grep -v exc-instance-connect | diff <(grep -v exc-instance-connect "$BATS_TEST_TMPDIR/before") -
	login "$(ordinary_key ubuntu)" ubuntu true # the sshd that runs goes on
}

# A port that something else holds: sshd would end if it were reloaded.
take_port() {
	guest systemd-run -q --unit=taker /usr/bin/perl -MIO::Socket::INET -e \
		'my $s = IO::Socket::INET->new(Listen => 1, LocalPort => 2222) or die; sleep 600'
	wait_for port_is_taken
}
port_is_taken() { guest bash -c 'exec 3<>/dev/tcp/127.0.0.1/2222' 2>/dev/null; }
main_pid() { guest systemctl show -P MainPID ssh; }

@test "an edit that sshd has not read stays for a person to load: installing and removing leave sshd alone" {
	take_port
	guest sh -c 'echo "Port 2222" >/etc/ssh/sshd_config.d/20-other.conf'
	pid=$(main_pid)
	guest_files >"$BATS_TEST_TMPDIR/before"
	run install_package
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"20-other.conf was edited after sshd loaded it, and nothing was changed"*"to switch it on later, run: exc-instance-connect sshd enable"* ]]
	[ "$(guest dpkg-query -W -f '${db:Status-Status}' exc-instance-connect)" = installed ]
	guest_files | grep -v exc-instance-connect | diff <(grep -v exc-instance-connect "$BATS_TEST_TMPDIR/before") -
	[ "$(main_pid)" = "$pid" ]
	login "$(ordinary_key ubuntu)" ubuntu true
	guest dpkg --purge exc-instance-connect
	[ "$(main_pid)" = "$pid" ]
	guest systemctl stop taker
	login "$(ordinary_key ubuntu)" ubuntu true
}

@test "options in the unit, or in the file with its variables, that sshd was not started with count as an edit" {
	install_package
	guest exc-instance-connect sshd enable
	guest sh -c 'mkdir -p /etc/systemd/system/ssh.service.d; printf "[Service]\nEnvironment=X=y\n" >/etc/systemd/system/ssh.service.d/x.conf; systemctl daemon-reload'
	run guest exc-instance-connect sshd enable
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"ssh.service.d/x.conf was edited after sshd loaded it"* ]]
	guest systemctl restart ssh
	guest exc-instance-connect sshd enable
	guest touch /etc/default/ssh
	run guest exc-instance-connect sshd enable
	[ "$status" -eq 1 ]
	[[ "$output" == *"/etc/default/ssh was edited after sshd loaded it"* ]]
	# What systemd's generators make whenever it reads its units is not an edit.
	guest systemctl restart ssh
	guest sh -c 'mkdir -p /run/systemd/system/ssh.service.d; printf "[Service]\nEnvironment=X=y\n" >/run/systemd/system/ssh.service.d/z.conf; systemctl daemon-reload'
	guest exc-instance-connect sshd enable
	guest rm -r /run/systemd/system/ssh.service.d
}

# The port is taken between the last test of the configuration and the reload.
@test "an sshd that ends at the reload is started again by systemd, and everything is put back" {
	install_package
	guest exc-instance-connect sshd disable
	guest_files >"$BATS_TEST_TMPDIR/before"
	guest sh -c 'mkdir /run/kept && cp -p /usr/sbin/sshd /run/kept/sshd && touch /run/kept/first'
	guest sh -c 'cat >/usr/sbin/sshd.new && chmod 0755 /usr/sbin/sshd.new && mv /usr/sbin/sshd.new /usr/sbin/sshd' <<'END'
#!/bin/bash
case " $* " in
*" -t "* | *" -T "* | *" -R "*) ;;
*) ! rm /run/kept/first 2>/dev/null || exit 255 ;;
esac
exec -a /usr/sbin/sshd /run/kept/sshd "$@"
END
	run guest exc-instance-connect sshd enable
	guest sh -c 'cp -p /run/kept/sshd /usr/sbin/sshd.new && mv /usr/sbin/sshd.new /usr/sbin/sshd && rm -r /run/kept'
	echo "$output"
	[ "$status" -eq 1 ]
	# systemd fails the reload itself if it sees the exit first.
	[[ "$output" =~ "sshd did not answer after the reload"|"sshd could not be reloaded" ]]
	[[ "$output" == *"everything was put back as it was"* ]]
	[[ "$output" != *"SSHD DOES NOT ANSWER"* ]]
	guest systemctl is-active ssh
	login "$(ordinary_key ubuntu)" ubuntu true
	guest_files | diff "$BATS_TEST_TMPDIR/before" -
	guest exc-instance-connect sshd enable
	guest_trust
	one_time_login_once
}
