#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Other people's ways into a machine that gets ours: certificates whose principals a command names, and another
# AuthorizedKeysCommand that arrives later. They work as before, or enable, status and doctor name what does not.

load file_guest
load other_sshd

setup_file() {
	file_guest_start stock
	[ -n "${GUEST_DIR-}" ] || return 0
	other_ways
	guest install -m 0644 "$GUEST_DIR/keys/ca.pub" /etc/ssh/ca.pub
	# For a principal that is no user of the guest, so that only the command lets it in
	cp "$GUEST_DIR/keys/certified" "$GUEST_DIR/keys/staff"
	cp "$GUEST_DIR/keys/certified.pub" "$GUEST_DIR/keys/staff.pub"
	ssh-keygen -q -s "$GUEST_DIR/keys/ca" -I staff -n staff "$GUEST_DIR/keys/staff.pub"
	guest sh -c 'printf "#!/bin/sh\necho staff\n" >/usr/bin/staff-only; chmod 0755 /usr/bin/staff-only'
	guest sh -c 'printf "#!/bin/sh\necho nobody-at-all\n" >/usr/bin/nobody-only; chmod 0755 /usr/bin/nobody-only'
	guest cp -p /etc/ssh/sshd_config /run/sshd_config.kept
}

setup() { file_guest_ready; }

teardown() {
	[ -n "${GUEST_DIR-}" ] || return 0
	! guest test -e /run/kept || sshd_unwrapped
	guest sh -c 'rm -f /etc/ssh/sshd_config.d/*-other.conf; cp -p /run/sshd_config.kept /etc/ssh/sshd_config'
	sshd_reload
	wired disable >/dev/null
	by_ordinary_key 22
	run guest sh -c 'ls -d /tmp/exc-instance-connect-* 2>/dev/null'
	[ -z "$output" ]
}

wired() { guest /usr/bin/exc-instance-connect sshd "$@"; }
by_staff() { login_at "$1" "$GUEST_DIR/keys/staff" ubuntu true; }
# Without its line breaks
doctor() { guest exc-instance-connect doctor | tr -s ' \n' ' '; return "${PIPESTATUS[0]}"; }
# principals_lines [COMMAND]: certificates for whom this command names
principals_lines() {
	printf 'TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsCommand %s\nAuthorizedPrincipalsCommandUser nobody\n' \
		"${1-/usr/bin/staff-only %u \"a b\"}"
}
# keys_lines [ARGUMENT]: another AuthorizedKeysCommand
keys_lines() { printf 'AuthorizedKeysCommand /bin/true %%u%s\nAuthorizedKeysCommandUser nobody\n' "${1:+ $1}"; }
# write_other FILE: standard input becomes one of sshd's files, and sshd reads it
write_other() {
	guest sh -c "cat >/etc/ssh/sshd_config.d/$1"
	sshd_reload
}
# effective: sshd -T without our two settings
effective() { guest /usr/sbin/sshd -T | grep -v "^authorizedkeyscommand"; }
fingerprint_etc() {
	guest find /etc/ssh /etc/pam.d /etc/exc-instance-connect -type f -exec sha256sum {} + | sort
}
# staff_keep_their_way [OPTION...]: enable with these leaves everything but our two settings as it was, and so does
# disable
staff_keep_their_way() {
	by_staff 22
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	effective >"$BATS_TEST_TMPDIR/effective"
	run wired enable "$@"
	echo "$output"
	[ "$status" -eq 0 ] || return
	effective | diff "$BATS_TEST_TMPDIR/effective" - || return
	by_staff 22 && by_ordinary_key 22 || return
	logs_in_once
	run doctor
	[[ "$output" != *"principals"* ]] || return
	wired enable
	by_staff 22 || return
	wired disable
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" - || return
	by_staff 22
}

@test "certificates with an AuthorizedPrincipalsCommand log in as before, wherever it stands" {
	for place in 10-other.conf 70-other.conf; do
		principals_lines | write_other $place
		staff_keep_their_way
		guest rm /etc/ssh/sshd_config.d/$place
	done
	principals_lines | guest sh -c 'cat >>/etc/ssh/sshd_config'
	sshd_reload
	staff_keep_their_way
}

@test "with --chain they do too" {
	{
		principals_lines
		keys_lines
	} | write_other 70-other.conf
	staff_keep_their_way --chain
}

@test "principals of a Match block stay those of its users" {
	{
		echo 'TrustedUserCAKeys /etc/ssh/ca.pub'
		echo 'Match User ubuntu'
		principals_lines | tail -n 2
	} | write_other 70-other.conf
	staff_keep_their_way
}

@test "another AuthorizedPrincipalsCommand later is named, and taken over by enable again" {
	principals_lines | write_other 70-other.conf
	wired enable
	run wired status
	[ "$status" -eq 0 ]
	[[ "$output" != *AuthorizedPrincipalsCommand* ]]
	principals_lines '/usr/bin/nobody-only %u' | write_other 70-other.conf
	run wired status
	echo "$output"
	[[ "$output" == *"AuthorizedPrincipalsCommand"*"/usr/bin/nobody-only %u (as nobody)"*"exc-instance-connect sshd enable"* ]]
	[ "$(wired status --json | jq -r .hidden_principals_command.command)" = '/usr/bin/nobody-only %u' ]
	run doctor
	echo "$output"
	[ "$status" -eq 2 ]
	[[ "$output" == *"bad AuthorizedPrincipalsCommand: "*"/usr/bin/nobody-only %u"*"exc-instance-connect sshd enable"* ]]
	wired enable
	run wired status
	[[ "$output" != *AuthorizedPrincipalsCommand* ]]
	run by_staff 22
	[ "$status" -eq 255 ]
	# And when it goes, so does our copy.
	guest rm /etc/ssh/sshd_config.d/70-other.conf
	sshd_reload
	run doctor
	echo "$output"
	[[ "$output" == *"bad AuthorizedPrincipalsCommand: it is /usr/bin/nobody-only %u, and without our files it would be none"* ]]
	wired enable
	effective | grep -x 'authorizedprincipalscommand none'
}

@test "an AuthorizedPrincipalsCommand that arrives after enable is named, and works after enable again" {
	wired enable
	principals_lines | write_other 70-other.conf
	run doctor
	echo "$output"
	[[ "$output" == *"bad AuthorizedPrincipalsCommand: "*"/usr/bin/staff-only %u"* ]]
	wired enable
	by_staff 22
	logs_in_once
	principals_lines '/usr/bin/nobody-only %u' | write_other 70-other.conf
	fingerprint_etc | grep 70-other >"$BATS_TEST_TMPDIR/theirs"
	wired disable
	fingerprint_etc | grep 70-other | diff "$BATS_TEST_TMPDIR/theirs" -
	effective | grep -x 'authorizedprincipalscommand /usr/bin/nobody-only %u'
}

@test "on sshd's command line, certificates and one-time keys both work as well" {
	principals_lines '/usr/bin/staff-only %u' | guest sh -c 'cat >>/etc/ssh/sshd_config; sed -i /^Include/d /etc/ssh/sshd_config'
	sshd_reload
	# As in an image, where no sshd runs
	guest unshare --mount --net sh -c 'mount -t tmpfs tmpfs /run && exc-instance-connect sshd enable'
	[[ "$(wired status --json | jq -r .written_to)" == *zz-exc-instance-connect.conf ]]
	# The unit's words, as systemd would read them
	guest sh -c 'sed -n "s/^ExecStart=\(.\+\)/\1/p" /etc/systemd/system/ssh.service.d/zz-exc-instance-connect.conf' \
		>"$BATS_TEST_TMPDIR/command"
	sed -i 's/%%/%/g; s/\$SSHD_OPTS//' "$BATS_TEST_TMPDIR/command"
	cat "$BATS_TEST_TMPDIR/command"
	sed "s/^$GUEST_ADDRESS/[$GUEST_ADDRESS]:2222/" <(head -n 1 "$GUEST_DIR/known_hosts") >>"$GUEST_DIR/known_hosts"
	guest sh -c "exec $(<"$BATS_TEST_TMPDIR/command") -p 2222 -o PidFile=none" >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- </dev/null &
	wait_for port_answers 2222
	run by_staff 2222
	staff=$status
	run login_at 2222 "$(ask ubuntu)" ubuntu true
	one_time=$status
	principals_lines '/usr/bin/nobody-only %u' | guest sh -c 'cat /run/sshd_config.kept - | sed /^Include/d >/etc/ssh/sshd_config'
	run doctor
	said=$output
	guest pkill -f 'sshd.* -p 2222' || true
	wait_for port_is_closed 2222
	sed -i '/]:2222 /d' "$GUEST_DIR/known_hosts"
	guest unshare --mount --net sh -c 'mount -t tmpfs tmpfs /run && exc-instance-connect sshd disable'
	echo "$said"
	[ "$staff" -eq 0 ]
	[ "$one_time" -eq 0 ]
	[[ "$said" == *"bad AuthorizedPrincipalsCommand: "*"/usr/bin/nobody-only %u"* ]]
}

@test "a command for principals that cannot be copied keeps enable from changing anything, and people get in" {
	principals_lines "/usr/bin/staff-only $(printf 'x%.0s' {1..1100})" | write_other 70-other.conf
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	run wired enable
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"nothing was changed"*"AuthorizedPrincipalsCommand"*"too long"* ]]
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
	by_staff 22
	# systemd and sshd each have rules of their own for quotes.
	guest rm /etc/ssh/sshd_config.d/70-other.conf
	principals_lines '/usr/bin/staff-only "a b"' | guest sh -c 'cat >>/etc/ssh/sshd_config; sed -i /^Include/d /etc/ssh/sshd_config'
	sshd_reload
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	run guest unshare --mount --net sh -c 'mount -t tmpfs tmpfs /run && exc-instance-connect sshd enable'
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *'cannot take the AuthorizedPrincipalsCommand /usr/bin/staff-only "a b"'*"everything was put back"* ]]
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
	guest sh -c '! ls /etc/systemd/system/ssh*.service.d/zz-exc-instance-connect.conf'
	by_staff 22
}

@test "an AuthorizedKeysCommand that arrives later and is never run is named, and --chain runs it" {
	wired enable
	run doctor
	[[ "$output" != *"warning AuthorizedKeysCommand"* ]]
	keys_lines | write_other 70-other.conf
	run wired status
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"never runs"*"/bin/true %u (as nobody)"*"sshd enable --chain"* ]]
	[ "$(wired status --json | jq -r .hidden_command.command)" = '/bin/true %u' ]
	run doctor
	echo "$output"
	[[ "$output" == *"warning AuthorizedKeysCommand: "*"/bin/true %u"*"sshd enable --chain"* ]]
	run wired enable
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"never runs"*"/bin/true %u (as nobody)"* ]]
	wired enable --chain
	[[ "$(wired status)" == *"The agent then runs: /bin/true %u"* ]]
	[[ "$(wired status)" != *"never runs"* ]]
	run doctor
	[[ "$output" != *"warning AuthorizedKeysCommand"* ]]
	logs_in_once
}

@test "when a chained command changes, --chain takes it over, and when it goes, status and doctor name it" {
	keys_lines | write_other 70-other.conf
	wired enable --chain
	keys_lines again | write_other 70-other.conf
	run wired status
	echo "$output"
	[[ "$output" == *"never runs"*"/bin/true %u again (as nobody)"* ]]
	wired enable --chain
	run wired status
	echo "$output"
	[[ "$output" == *"The agent then runs: /bin/true %u again"* && "$output" != *"never runs"* ]]
	[ "$(guest grep -c ^next_command /etc/exc-instance-connect/agent.conf)" -eq 1 ]
	guest rm /etc/ssh/sshd_config.d/70-other.conf
	sshd_reload
	run wired status
	echo "$output"
	[[ "$output" == *"The agent then runs: /bin/true %u again"*"no longer have that command"*"sshd disable && "* ]]
	wired status --json | jq -e .next_command_is_stale
	run doctor
	echo "$output"
	[[ "$output" == *"warning next_command: the agent runs /bin/true %u again, which sshd's files no longer have"* ]]
	wired disable
	wired enable
	run doctor
	[[ "$output" != *"warning next_command"* ]]
	[[ "$(wired status)" != *"The agent then runs"* ]]
}

# sshd_prints SED CONDITION: an sshd whose output of -T this edits while the condition, of bash, holds
sshd_prints() {
	guest sh -c 'mkdir /run/kept && cp -p /usr/sbin/sshd /run/kept/sshd'
	guest sh -c 'cat >/usr/sbin/sshd.new && chmod 0755 /usr/sbin/sshd.new && mv /usr/sbin/sshd.new /usr/sbin/sshd' <<END
#!/bin/bash
if [[ " \$* " == *" -T "* ]] && $2; then
/run/kept/sshd "\$@" | sed '$1'
exit "\${PIPESTATUS[0]}"
fi
exec -a /usr/sbin/sshd /run/kept/sshd "\$@"
END
}
# sshd_changes CONDITION: one that prints another X11Forwarding for ubuntu while this holds, but not of a
# configuration elsewhere
sshd_changes() { sshd_prints 's/^x11forwarding .*/x11forwarding else/' '[[ "$*" == *user=ubuntu* && "$*" != *" -f "* ]] &&'" $1"; }
sshd_unwrapped() { guest sh -c 'cp -p /run/kept/sshd /usr/sbin/sshd.new && mv /usr/sbin/sshd.new /usr/sbin/sshd && rm -r /run/kept'; }

@test "enable puts everything back if one setting of one user would change, and names it" {
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	sshd_changes '[ -e /etc/ssh/sshd_config.d/60-exc-instance-connect.conf ]'
	run wired enable
	sshd_unwrapped
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"for ubuntu: \"x11forwarding yes\" becomes \"x11forwarding else\""*"everything was put back"* ]]
	fingerprint_etc | diff "$BATS_TEST_TMPDIR/before" -
}

@test "disable does the same" {
	wired enable
	fingerprint_etc >"$BATS_TEST_TMPDIR/before"
	sshd_changes '[ ! -e /etc/ssh/sshd_config.d/60-exc-instance-connect.conf ]'
	run wired disable
	sshd_unwrapped
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"for ubuntu: \"x11forwarding yes\" becomes \"x11forwarding else\""*"everything was put back"* ]]
	fingerprint_etc | grep -v pam.wired | diff <(grep -v pam.wired "$BATS_TEST_TMPDIR/before") -
	logs_in_once
}

@test "an sshd that prints its keywords with capitals is compared as well" {
	principals_lines | write_other 70-other.conf
	sshd_prints 's/^\(authorized\)\(keys\|principals\)\(command\)\(user\)\?/\u\1\u\2\u\3\u\4/' true
	guest /usr/sbin/sshd -T | grep '^AuthorizedKeysCommandUser'
	run wired enable
	enabled=$status said=$output
	by_staff 22
	run wired disable
	sshd_unwrapped
	echo "$said$output"
	[ "$enabled" -eq 0 ]
	[ "$status" -eq 0 ]
}
