#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whatever is broken on the guest, ordinary logins work, and one line says what to do.

load file_guest

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_key ubuntu
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/stranger"
}

# says REASON ADVICE: ordinary logins work, also past the agent; no key is offered; one line says it
says() {
	local key
	login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true || return
	key=$(ask ubuntu) || return
	# One run of the agent, so one line even where there is no ledger to remember it in
	SSH_OPTIONS="-i $key" login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true || return
	events EVENT REASON
	journal SYSLOG_IDENTIFIER=exc-instance-connect | jq -r .MESSAGE
	[ "$(events EVENT REASON)" = "problem $1" ] || return
	journal SYSLOG_IDENTIFIER=exc-instance-connect | jq -r .MESSAGE | grep -q "$2"
}

# Once mended, a fresh key works.
mended() { login "$(ask ubuntu)" ubuntu true; }

# made_again SHELL: a key is spent, the ledger is removed and made again by SHELL, and the key does not come back;
# whoever spends keys
made_again() {
	local mode spent
	for mode in auto connection; do
		agent_conf "single_use = $mode"
		wait_for ledger_is_sure
		spent=$(ask ubuntu)
		login "$spent" ubuntu true || return
		forget_events
		guest sh -euc "$1"
		run login "$spent" ubuntu true
		events EVENT REASON
		[ "$status" -eq 255 ] || return
		[ "$(events EVENT REASON)" = "refused issued_before_ledger" ] || return
		journal SYSLOG_IDENTIFIER=exc-instance-connect | jq -r .MESSAGE | grep -q "ask for a new key" || return
		# One that is asked for from now on gets in, once nobody can mistake it for an earlier one.
		wait_for ledger_is_sure
		mended || return
	done
}

@test "/run is full" {
	guest mount -t tmpfs -o size=4k,mode=0700 tmpfs /run/exc-instance-connect
	ledger_of_an_hour
	guest sh -c 'cat /dev/zero >/run/exc-instance-connect/ballast 2>/dev/null || true'
	run says ledger_unavailable "No space left on device; free space in /run"
	guest umount /run/exc-instance-connect
	echo "$output"
	[ "$status" -eq 0 ]
	mended
}

@test "/run has no inode left" {
	# For the ledger as it is made, and the ballast
	guest mount -t tmpfs -o nr_inodes=9,mode=0700 tmpfs /run/exc-instance-connect
	ledger_of_an_hour
	guest touch /run/exc-instance-connect/ballast
	run says ledger_unavailable "No space left on device; free space in /run"
	guest umount /run/exc-instance-connect
	echo "$output"
	[ "$status" -eq 0 ]
	mended
}

@test "/run is read-only" {
	guest mount -t tmpfs -o ro,mode=0700 tmpfs /run/exc-instance-connect
	run says ledger_unavailable "free space in /run, or run: systemd-tmpfiles --create"
	guest umount /run/exc-instance-connect
	echo "$output"
	[ "$status" -eq 0 ]
	mended
}

@test "the ledger is missing" {
	guest mv /run/exc-instance-connect /run/away
	run says ledger_unavailable "No such file or directory; .* systemd-tmpfiles --create exc-instance-connect.conf"
	# What the line says mends it.
	guest systemd-tmpfiles --create exc-instance-connect.conf
	echo "$output"
	[ "$status" -eq 0 ]
	wait_for ledger_is_sure
	mended
	guest rm -rf /run/away
}

@test "a spent key does not come back when the ledger is removed and made again as tmpfiles makes it" {
	made_again "rm -rf $LEDGER; systemd-tmpfiles --create exc-instance-connect.conf"
}

@test "a spent key does not come back when the ledger is removed and an empty directory made" {
	made_again "rm -rf $LEDGER; install -d -m 0700 -o exc-instance-connect -g exc-instance-connect $LEDGER"
	# The rest of it, for the tests that come
	guest systemd-tmpfiles --create exc-instance-connect.conf
}

@test "a spent key does not come back when what the ledger holds is removed" {
	made_again "rm -rf $LEDGER/used $LEDGER/bound"
	made_again "rm -rf $LEDGER/used/* $LEDGER/bound/*"
}

@test "the ledger is open to others" {
	guest chmod 0777 /run/exc-instance-connect
	key=$(ask ubuntu)
	run login "$key" ubuntu true
	login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true
	guest chmod 0700 /run/exc-instance-connect
	[ "$status" -eq 255 ]
	[ "$(events EVENT USER REASON)" = "problem ubuntu ledger_unavailable" ]
	mended
}

@test "the trust directory is empty" {
	guest mv /etc/exc-instance-connect/trust.d/operator.pem /etc/exc-instance-connect/operator.pem
	run says trust_empty "put the operator's public key into the trust directory"
	guest mv /etc/exc-instance-connect/operator.pem /etc/exc-instance-connect/trust.d/operator.pem
	echo "$output"
	[ "$status" -eq 0 ]
	mended
}

@test "the trust directory holds a file that is no key" {
	guest mv /etc/exc-instance-connect/trust.d/operator.pem /etc/exc-instance-connect/operator.pem
	guest sh -c 'echo nonsense >/etc/exc-instance-connect/trust.d/operator.pem'
	run says trust_empty "no file in /etc/exc-instance-connect/trust.d holds a key or a CA"
	guest mv /etc/exc-instance-connect/operator.pem /etc/exc-instance-connect/trust.d/operator.pem
	echo "$output"
	[ "$status" -eq 0 ]
	mended
}

@test "others may write to the trust directory" {
	guest chmod 0777 /etc/exc-instance-connect/trust.d
	run says trust_unsafe "only root may write it"
	guest chmod 0755 /etc/exc-instance-connect/trust.d
	echo "$output"
	[ "$status" -eq 0 ]
	mended
}

@test "the configuration has a typo" {
	agent_conf "timeuot_ms = 5"
	run says config_invalid "agent.conf line 3: unknown setting timeuot_ms; fix /etc/exc-instance-connect/agent.conf"
	agent_conf
	echo "$output"
	[ "$status" -eq 0 ]
	mended
}

@test "nothing says which instance this is" {
	guest sh -c 'echo timeout_ms = 1000 >/etc/exc-instance-connect/agent.conf'
	if guest grep -qs . /sys/class/dmi/id/chassis_asset_tag /sys/class/dmi/id/board_asset_tag; then
		agent_conf
		skip "this machine has an SMBIOS asset tag"
	fi
	run says instance_unknown "set instance_id in /etc/exc-instance-connect/agent.conf"
	agent_conf
	echo "$output"
	[ "$status" -eq 0 ]
	mended
}

@test "a signature by a key that is not trusted is refused by name" {
	guest cp /etc/exc-instance-connect/trust.d/operator.pem /etc/exc-instance-connect/operator.pem
	openssl genpkey -algorithm ed25519 2>/dev/null | openssl pkey -pubout >"$BATS_TEST_TMPDIR/other.pem"
	guest install -m 0644 "$BATS_TEST_TMPDIR/other.pem" /etc/exc-instance-connect/trust.d/operator.pem
	run login "$(ask ubuntu)" ubuntu true
	guest mv /etc/exc-instance-connect/operator.pem /etc/exc-instance-connect/trust.d/operator.pem
	[ "$status" -eq 255 ]
	[ "$(events EVENT REASON)" = "problem signed_time_invalid
refused unknown_key" ]
	mended
}

@test "the agent is missing" {
	guest mv /usr/bin/exc-instance-connect /usr/bin/away
	login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true
	SSH_OPTIONS="-i $GUEST_DIR/keys/stranger" login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true
	guest mv /usr/bin/away /usr/bin/exc-instance-connect
	mended
}

@test "the module's file is missing" {
	module=$(guest find /usr/lib -name pam_exc_instance_connect.so)
	guest mv "$module" "$module.away"
	run login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true
	guest mv "$module.away" "$module"
	[ "$status" -eq 0 ]
	mended
}

@test "the used mark cannot be made: the key opens no session, and the person is told" {
	# Full between the offer and the session: the PAM stack fills the disk in front of our module.
	guest mount -t tmpfs -o size=64k,nr_inodes=20,mode=0700 tmpfs /run/exc-instance-connect
	ledger_of_an_hour
	guest sh -c 'cat >/usr/local/sbin/fill <<"END"
#!/bin/sh
i=0
while : 2>/dev/null >/run/exc-instance-connect/ballast.$i; do i=$((i + 1)); done
exit 0
END
chmod 0755 /usr/local/sbin/fill
sed -i.module "0,/^session/s/^session/session optional pam_exec.so \/usr\/local\/sbin\/fill\nsession/" /etc/pam.d/sshd'
	prove_pam
	run login "$(ask ubuntu)" ubuntu echo in
	ordinary=$(login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu echo in)
	guest mv /etc/pam.d/sshd.module /etc/pam.d/sshd
	prove_pam
	guest umount /run/exc-instance-connect
	echo "$output"
	[ "$status" -eq 254 ]
	[[ "$output" == *"cannot be recorded on this machine"* ]]
	[ "$ordinary" = in ]
	[ "$(events EVENT REASON)" = "offered -
refused ledger_unavailable" ]
	mended
}

@test "a receipt goes to /run when /var is full, and the session opens" {
	guest mount -t tmpfs -o nr_inodes=1 tmpfs /var/lib/exc-instance-connect/receipts
	run login "$(ask ubuntu)" ubuntu true
	guest umount /var/lib/exc-instance-connect/receipts
	[ "$status" -eq 0 ]
	[ "$(guest sh -c 'ls /run/exc-instance-connect/receipts/*.json | wc -l')" -eq 1 ]
	agent report
	[ -z "$(guest ls /run/exc-instance-connect/receipts)" ]
}

@test "without a journal the same is said through syslog" {
	guest mv /run/systemd/journal/socket /run/systemd/journal/socket.away
	login "$(ask ubuntu)" ubuntu true
	guest mv /run/systemd/journal/socket.away /run/systemd/journal/socket
	journal SYSLOG_IDENTIFIER=exc-instance-connect | jq -r .MESSAGE >"$BATS_TEST_TMPDIR/said"
	grep -q "^one-time key offered to sshd: user ubuntu, caller user:ana, key SHA256:.*, jti " "$BATS_TEST_TMPDIR/said"
	grep -q "^one-time key used: user ubuntu, caller user:ana, from $OPERATOR_ADDRESS, key SHA256:" "$BATS_TEST_TMPDIR/said"
}
