#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Wiring a stock sshd with one command, and unwiring it: never at the price of anybody's way in.

load file_guest

setup_file() {
	file_guest_start stock
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_key ubuntu
}

setup() {
	file_guest_ready
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
}

# Every test leaves sshd as it was, and people able to log in.
teardown() {
	[ -n "${GUEST_DIR-}" ] || return 0
	guest sh -c 'rm -f /etc/ssh/sshd_config.d/*-other.conf'
	# A test that failed fails alone.
	[ -n "${BATS_TEST_COMPLETED-}" ] || sshd_is_back
	sshd_reload
	wired disable >/dev/null
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
	ordinary_login
}

wired() { guest /usr/bin/exc-instance-connect sshd "$@"; }
sshd_is_back() {
	port_is_free || true
	! guest test -e /run/kept || sshd_unwrapped
	sshd_answers && guest test -s /run/sshd.pid || {
		guest pkill -o -x sshd || true
		guest sh -c '/usr/sbin/sshd -D >/dev/null 2>&1 &' 3>&-
		wait_for guest test -s /run/sshd.pid
		wait_for sshd_answers
	}
}
ordinary_login() { login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true; }
fingerprint_etc() {
	guest find /etc/ssh /etc/pam.d /etc/exc-instance-connect -type f -exec stat -c '%n %a %u %g' {} + \
		-exec sha256sum {} + | sort
}
one_time_login() { login "$(ask ubuntu)" ubuntu true; }

# sshd_program: what is on standard input becomes /usr/sbin/sshd
sshd_program() { guest sh -c 'cat >/usr/sbin/sshd.new && chmod 0755 /usr/sbin/sshd.new && mv /usr/sbin/sshd.new /usr/sbin/sshd'; }

@test "enable makes one-time keys log in once, and disable leaves no trace" {
	run one_time_login
	[ "$status" -eq 255 ]
	run wired enable
	echo "$output"
	[ "$status" -eq 0 ]
	ordinary_login
	logs_in_once
	logged_in_once
	wired disable
	run one_time_login
	[ "$status" -eq 255 ]
}

@test "enable --provider names the provider in agent.conf, and disable takes that back" {
	agent_conf "# what a person wrote"
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	run wired enable --provider ec2
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"The agent gets keys from ec2."*"A key works until it expires"* ]]
	[ "$(guest head -n 2 /etc/exc-instance-connect/agent.conf | tail -n 1)" = "provider = ec2" ]
	[[ "$(wired status)" == *"The agent gets keys from ec2, and they work until they expire."* ]]
	[ "$(wired status --json | jq -r .provider)" = ec2 ]
	fingerprint_etc >"$BATS_TEST_TMPDIR/once"
	wired enable --provider ec2
	wired enable
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/once" -
	# The other one takes its line.
	wired enable --provider excloud
	one_time_login
	wired enable --provider ec2
	run one_time_login
	[ "$status" -eq 255 ]
	ordinary_login
	wired disable
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
}

@test "enable --provider leaves a provider that a person wrote, and does not know every name" {
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	run wired enable --provider openstack
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"unknown provider, choose one of: excloud, ec2"* ]]
	agent_conf "provider = excloud"
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	run wired enable --provider ec2
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"is not valid with the added line"*"provider is set twice"*"everything was put back"* ]]
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
	wired enable --provider excloud
	for options in "--provider" "--provider ec2 --provider ec2" "--chain --chain" "ec2"; do
		# shellcheck disable=SC2086 # several options
		run wired enable $options
		[ "$status" -eq 2 ]
	done
}

@test "enable warns where PermitTunnel lets a restricted key of root's open a tunnel" {
	run wired enable
	[ "$status" -eq 0 ]
	[[ "$output" != *PermitTunnel* ]]
	wired disable
	sshd_setting 'PermitTunnel ethernet'
	sshd_reload
	run wired enable
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"WARNING: sshd has PermitTunnel switched on."*"Set PermitTunnel no"* ]]
}

@test "enable and disable can be repeated" {
	wired enable
	fingerprint_etc >"$BATS_TEST_TMPDIR/once"
	wired enable
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/once" -
	one_time_login
	wired disable
	wired disable
}

@test "in an image, where no machine has made its host keys yet, enable wires sshd" {
	guest sh -c 'mkdir /run/kept && mv /etc/ssh/ssh_host_* /run/kept/'
	# No sshd of this machine is seen from there.
	run guest unshare --mount --net sh -c 'mount -t tmpfs tmpfs /run && ! sshd -t && exc-instance-connect sshd enable && exc-instance-connect sshd status'
	guest sh -c 'mv /run/kept/* /etc/ssh/ && rmdir /run/kept'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"no hostkeys available"*"sshd asks exc-instance-connect"*"sshd did not answer before"* ]]
	run guest sh -c 'ls -d /tmp/exc-instance-connect-* 2>/dev/null'
	[ -z "$output" ]
	wired status
	sshd_reload
	one_time_login
}

@test "while an sshd runs whose host keys are gone, nothing is changed, so that it goes on" {
	guest sh -c 'mkdir /run/kept && mv /etc/ssh/ssh_host_* /run/kept/'
	run wired enable
	guest sh -c 'mv /run/kept/* /etc/ssh/ && rmdir /run/kept'
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"its host keys are gone, and nothing was changed: make new ones first, with: ssh-keygen -A"* ]]
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
	ordinary_login
}

@test "status says in words and in JSON what is wired" {
	run wired status
	[ "$status" -eq 1 ]
	[[ "$output" == *"sshd asks nobody"*"Switch it on with: exc-instance-connect sshd enable"* ]]
	wired enable
	run wired status
	[ "$status" -eq 0 ]
	[[ "$output" == *"sshd asks exc-instance-connect, as exc-instance-connect."* ]]
	[[ "$output" == *"PAM has the module for sshd"* ]]
	[[ "$output" == *"sshd answers"* ]]
	wired status --json >"$BATS_TEST_TMPDIR/json"
	jq -e '.enabled and .sshd_config_valid and .sshd_answers and .drop_in and .pam_module and .pam_wired' \
		"$BATS_TEST_TMPDIR/json"
}

@test "without the module in PAM's files, status says that keys are bound, and why" {
	wired enable
	guest sed -i '/pam_exc_instance_connect/d' /etc/pam.d/sshd
	run wired status
	[ "$status" -eq 0 ]
	[[ "$output" == *"binds each to the first connection that offers it"*"no PAM service names our module"* ]]
	logs_in_once
	wired status --json | jq -e '.pam_wired == false'
}

@test "another AuthorizedKeysCommand is never overwritten, wherever it stands" {
	for name in 10 70; do
		other_command "$name"
		fingerprint_etc >"$BATS_TEST_TMPDIR/other"
		run wired enable
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == *"another AuthorizedKeysCommand, and nothing was changed"*"/bin/true %u (as nobody)"* ]]
		fingerprint_etc | diff "$BATS_TEST_TMPDIR/other" -
		guest rm "/etc/ssh/sshd_config.d/$name-other.conf"
	done
}

@test "a configuration that was broken before is left alone, and the mistake is shown" {
	sshd_mistake
	fingerprint_etc >"$BATS_TEST_TMPDIR/broken"
	for verb in enable disable; do
		run wired "$verb"
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == *"already broken, and nothing was changed"*"20-other.conf"*"NoSuchKeyword"* ]]
		fingerprint_etc | diff "$BATS_TEST_TMPDIR/broken" -
	done
	guest rm /etc/ssh/sshd_config.d/20-other.conf
}

@test "Match blocks of any kind keep nobody from enabling and disabling it" {
	for criterion in 'LocalPort 2222' 'LocalAddress 192.0.2.9' 'Address 192.0.2.0/24' 'Host *.example' 'Group nogroup' \
		'User nobody,daemon'; do
		guest sh -c "printf 'Match %s\n\tX11Forwarding yes\n' '$criterion' >/etc/ssh/sshd_config.d/20-other.conf"
		sshd_reload
		run wired enable
		echo "$criterion: $output"
		[ "$status" -eq 0 ]
		run guest exc-instance-connect doctor
		[[ "$output" != *"in configuration but"* ]]
		run wired disable
		echo "$criterion: $output"
		[ "$status" -eq 0 ]
	done
}

@test "a configuration without the drop-in folder is left alone" {
	guest cp -p /etc/ssh/sshd_config /run/sshd_config.kept
	guest sed -i '/^Include/d' /etc/ssh/sshd_config
	sshd_reload
	fingerprint_etc >"$BATS_TEST_TMPDIR/without"
	run wired enable
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/without" -
	guest cp -p /run/sshd_config.kept /etc/ssh/sshd_config
	[ "$status" -eq 1 ]
	[[ "$output" == *"does not include /etc/ssh/sshd_config.d/*.conf"* ]]
}

@test "without PAM a key is bound to the first connection, and PAM's file is not touched" {
	sshd_setting 'UsePAM no'
	sshd_reload
	guest sha256sum /etc/pam.d/sshd >"$BATS_TEST_TMPDIR/pam"
	run wired enable
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"bound to the first connection"* ]]
	guest sha256sum /etc/pam.d/sshd | diff "$BATS_TEST_TMPDIR/pam" -
	logs_in_once
	[ "$(events EVENT)" = "offered
replayed" ]
}

# Its output is what OpenSSH 7.5 has: no ExposeAuthInfo, and so no SSH_AUTH_INFO_0.
@test "the module does not count with an sshd that is too old to tell PAM the key" {
	wired enable
	guest sh -c 'mkdir /run/kept && cp -p /usr/sbin/sshd /run/kept/sshd'
	sshd_program <<'END'
#!/bin/bash
case " $* " in
*" -T "*) /run/kept/sshd "$@" | grep -v '^exposeauthinfo' ;;
*) exec -a /usr/sbin/sshd /run/kept/sshd "$@" ;;
esac
END
	run wired status
	old=$output
	run logs_in_once
	sshd_program <"$(command -v sshd || echo /usr/sbin/sshd)"
	guest rm -r /run/kept
	echo "$old" "$output"
	[ "$status" -eq 0 ]
	[[ "$old" == *"older than OpenSSH 7.6"* ]]
	guest sh -c '! test -e /etc/exc-instance-connect/pam.wired'
	wired status
	guest test -e /etc/exc-instance-connect/pam.wired
}

@test "enabling again after PAM went out of use relies on its module no longer" {
	wired enable
	sshd_setting 'UsePAM no'
	sshd_reload
	run wired enable
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"bound to the first connection"* ]]
	logs_in_once
}

@test "a module that PAM does not find is not relied on, when it is wired and when it goes missing later" {
	module=$(guest find /usr/lib -name pam_exc_instance_connect.so)
	guest mv "$module" /usr/lib/
	run wired enable
	first=$status said=$output
	key=$(ask ubuntu)
	login "$key" ubuntu true
	run login "$key" ubuntu true
	again=$status
	guest mv /usr/lib/pam_exc_instance_connect.so "$module"
	echo "$said"
	[ "$first" -eq 0 ]
	[[ "$said" == *"bound to the first connection"*"$(basename "$module"): No such file or directory"* ]]
	[ "$again" -eq 255 ]
	guest sh -c '! test -e /etc/exc-instance-connect/pam.wired'

	wired enable
	guest mv "$module" "$module.away"
	key=$(ask ubuntu)
	login "$key" ubuntu true
	run login "$key" ubuntu true
	again=$status
	run wired status
	guest mv "$module.away" "$module"
	echo "$output"
	[ "$again" -eq 255 ]
	[[ "$output" == *"does not rely on the module"* ]]
	[ "$(events EVENT | sort | uniq -c | tr -s ' ')" = " 2 offered
 2 replayed" ]
}

@test "a module that does not load is not relied on" {
	module=$(guest find /usr/lib -name pam_exc_instance_connect.so)
	guest cp -p "$module" /run/module.kept
	guest sh -c "echo nonsense >$module.new && mv $module.new $module"
	run wired enable
	guest sh -c "cp -p /run/module.kept $module.new && mv $module.new $module"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"without PAM's module:"*"file too short"* ]]
}

@test "a line that a person put into PAM stays when ours goes" {
	guest cp -p /etc/pam.d/sshd /run/pam.kept
	guest sh -c 'echo "session optional pam_exc_instance_connect.so" >>/etc/pam.d/sshd'
	wired enable
	[ "$(guest grep -c pam_exc_instance_connect /etc/pam.d/sshd)" -eq 1 ]
	wired disable
	[ "$(guest grep -c pam_exc_instance_connect /etc/pam.d/sshd)" -eq 1 ]
	guest cp -p /run/pam.kept /etc/pam.d/sshd
}

# sshd_wrapped [SHELL COMMANDS]: an sshd that runs them in place of a start or a reload, at the first of these, and
# otherwise is what it was. (-t and -T are tests of it, -R is one connection.)
sshd_wrapped() {
	guest sh -c 'mkdir /run/kept && cp -p /usr/sbin/sshd /run/kept/sshd && touch /run/kept/first'
	guest sh -c 'cat >/usr/sbin/sshd.new && chmod 0755 /usr/sbin/sshd.new && mv /usr/sbin/sshd.new /usr/sbin/sshd' <<END
#!/bin/bash
case " \$* " in
*" -t "* | *" -T "* | *" -R "*) ;;
*) if rm /run/kept/first 2>/dev/null; then
$1
else
:
${2-}
fi ;;
esac
exec -a /usr/sbin/sshd /run/kept/sshd "\$@"
END
}
sshd_unwrapped() { guest sh -c 'cp -p /run/kept/sshd /usr/sbin/sshd.new && mv /usr/sbin/sshd.new /usr/sbin/sshd && rm -r /run/kept'; }

@test "an sshd that ends at the reload is started again, and everything is put back" {
	sshd_wrapped 'exit 1'
	run wired enable
	sshd_unwrapped
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"sshd did not answer after the reload"*"everything was put back as it was"* ]]
	ordinary_login
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
}

@test "an sshd that cannot be started again is named loudly, and everything is put back" {
	sshd_wrapped 'exit 1' 'exit 1'
	run wired enable
	sshd_unwrapped
	guest sh -c '/usr/sbin/sshd -D >/dev/null 2>&1 &' 3>&-
	wait_for sshd_answers
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"sshd did not answer after the reload"*"everything was put back as it was"*"SSHD DOES NOT ANSWER"* ]]
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
}

@test "when the second of two addresses stops answering, everything is put back" {
	guest ip addr add 10.97.9.9/32 dev lo
	sshd_setting 'ListenAddress 10.97.9.9\nListenAddress 0.0.0.0:2222\nListenAddress 10.97.0.2'
	sshd_reload
	fingerprint_etc >"$BATS_TEST_TMPDIR/two"
	sshd_wrapped 'ip addr del 10.97.9.9/32 dev lo' 'ip addr add 10.97.9.9/32 dev lo'
	run wired enable
	sshd_unwrapped
	echo "$output"
	guest bash -c 'exec 3<>/dev/tcp/10.97.9.9/22'
	guest ip addr del 10.97.9.9/32 dev lo
	[ "$status" -eq 1 ]
	[[ "$output" == *"sshd did not answer after the reload, at 10.97.9.9:22"*"everything was put back as it was"* ]]
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/two" -
}

@test "where IPv6 is off, sshd is tried at the address that is left" {
	guest sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
	sshd_setting 'AddressFamily any\nListenAddress ::\nListenAddress 0.0.0.0'
	sshd_reload
	fingerprint_etc >"$BATS_TEST_TMPDIR/off"
	sshd_wrapped 'exit 1'
	run wired enable
	sshd_unwrapped
	echo "$output"
	ordinary_login
	failed=$status
	run wired enable
	guest sysctl -q -w net.ipv6.conf.all.disable_ipv6=0
	echo "$output"
	[ "$failed" -eq 1 ]
	[ "$status" -eq 0 ]
	one_time_login
}

sshd_pid() { guest cat /run/sshd.pid; }
# A program that holds port 2222 on every address, until port_is_free
port_is_taken() {
	guest "$PYTHON" -c 'import os, socket, time
s = socket.create_server(("", 2222))
print(os.getpid(), flush=True)
time.sleep(600)' >"$BATS_TEST_TMPDIR/taker" 2>&1 3>&- </dev/null &
	wait_for test -s "$BATS_TEST_TMPDIR/taker"
}
port_is_free() { [ ! -e "$BATS_TEST_TMPDIR/taker" ] || guest kill "$(<"$BATS_TEST_TMPDIR/taker")" 2>/dev/null; }

@test "an edit that sshd has not read yet is left for a person to load: nothing is changed, and sshd goes on" {
	port_is_taken
	sshd_setting 'Port 2222'
	fingerprint_etc >"$BATS_TEST_TMPDIR/edited"
	pid=$(sshd_pid)
	run wired enable
	port_is_free
	echo "$output"
	ordinary_login
	[ "$status" -eq 1 ]
	[[ "$output" == *"/etc/ssh/sshd_config.d/20-other.conf was edited after sshd loaded it, and nothing was changed"*"reload or restart sshd yourself, then run: exc-instance-connect sshd enable"* ]]
	[ "$(sshd_pid)" = "$pid" ]
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/edited" -
}

@test "an edit with an old date, a removed drop-in and a file of another place count as edits too" {
	sshd_setting 'ClientAliveInterval 0' 30
	guest sh -c 'echo "Include /run/more.conf" >/etc/ssh/sshd_config.d/31-other.conf; : >/run/more.conf'
	sshd_reload
	run wired enable
	[ "$status" -eq 0 ]
	guest sh -c 'echo "LogLevel VERBOSE" >/run/more.conf'
	run wired enable
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"/run/more.conf was edited after"* ]]
	sshd_reload
	guest rm /etc/ssh/sshd_config.d/30-other.conf
	run wired enable
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"/etc/ssh/sshd_config.d was edited after"* ]]
	sshd_reload
	wired enable
	sshd_setting 'LogLevel INFO'
	guest touch -d 2020-01-01 /etc/ssh/sshd_config.d/20-other.conf
	run wired enable
	[ "$status" -eq 1 ]
}

@test "without a PidFile, other ports than sshd listens on count as an edit" {
	sshd_setting 'PidFile none' 19
	sshd_reload_without_pid_file
	pid=$(guest pgrep -of 'sshd: .*listener')
	port_is_taken
	sshd_setting 'Port 2222'
	run wired enable
	port_is_free
	echo "$output"
	ordinary_login
	guest rm /etc/ssh/sshd_config.d/20-other.conf /etc/ssh/sshd_config.d/19-other.conf
	guest kill -HUP "$pid"
	wait_for guest test -s /run/sshd.pid
	wait_for sshd_answers
	[ "$status" -eq 1 ]
	[[ "$output" == *"nothing was changed"*"restart sshd yourself"* ]]
}
sshd_reload_without_pid_file() {
	guest sh -c 'kill -HUP "$(cat /run/sshd.pid)"'
	wait_for guest sh -c '! test -e /run/sshd.pid'
	wait_for sshd_answers
}

@test "disable with an edit that sshd has not read takes the files away, and leaves the reload to a person" {
	wired enable
	port_is_taken
	sshd_setting 'Port 2222'
	pid=$(sshd_pid)
	run wired disable
	port_is_free
	echo "$output"
	ordinary_login
	[ "$status" -eq 0 ]
	[[ "$output" == *"20-other.conf was edited after sshd loaded it"*"sshd asks exc-instance-connect until it is reloaded or restarted"* ]]
	[ "$(sshd_pid)" = "$pid" ]
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
}

@test "disable with such an edit leaves a chained command with the agent, which sshd still asks for it" {
	other_command
	wired enable --chain
	sshd_setting 'LogLevel VERBOSE'
	fingerprint_etc >"$BATS_TEST_TMPDIR/chained"
	run wired disable
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"20-other.conf was edited after sshd loaded it, and nothing was changed"*"then run: exc-instance-connect sshd disable"* ]]
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/chained" -
}

@test "a PAM file that cannot be written changes nothing" {
	guest mount --bind -o ro /etc/pam.d /etc/pam.d
	guest mount -o remount,bind,ro /etc/pam.d
	run wired enable
	guest umount /etc/pam.d
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"/etc/pam.d/sshd: Read-only file system"* ]]
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
}

@test "only root may switch it, and wrong arguments are named" {
	run agent sshd enable
	[ "$status" -eq 1 ]
	[[ "$output" == *"needs root: try sudo"* ]]
	run wired
	[ "$status" -eq 2 ]
	run wired enable now
	[ "$status" -eq 2 ]
}
