#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A key is offered to a connection, and judged by what that connection was offered: however sshd is started, whatever
# /proc shows, and whether or not sshd loads the module.

load file_guest
load other_sshd

PORT=2200
PARALLEL=12

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	other_ways
	guest cp "$(command -v setpriv)" /usr/bin/suid-setpriv
	guest chmod 4755 /usr/bin/suid-setpriv
}

teardown() {
	[ -n "${GUEST_DIR-}" ] || return 0
	other_sshd_stop $PORT
	guest mount -o remount,hidepid=0 /proc
	[ ! -e "$GUEST_DIR/pam-sshd" ] || guest cp "$GUEST_DIR/pam-sshd" /etc/pam.d/sshd
	rm -f "$GUEST_DIR/pam-sshd"
	prove_pam
}

hide_processes() { guest mount -o remount,hidepid=2 /proc; }

# edit_pam SED-SCRIPT: until the test ends
edit_pam() {
	guest cat /etc/pam.d/sshd >"$GUEST_DIR/pam-sshd"
	guest sed -i "$1" /etc/pam.d/sshd
}

@test "a key logs in once, by the module and by the connection, also where /proc hides processes" {
	for hide in no yes; do
		[ $hide = no ] || hide_processes
		for mode in auto pam connection; do
			agent_conf "single_use = $mode"
			echo "hidden: $hide, single_use = $mode"
			[ "$(count_logins 22 "$(ask ubuntu)" ubuntu 3)" -eq 1 ]
		done
	done
}

@test "a key that the module will spend is offered to many connections, and not bound to the first that asks" {
	for hide in no yes; do
		[ $hide = no ] || hide_processes
		key=$(ask ubuntu)
		for i in 1 2 3; do
			agent authorized-keys ubuntu "$(jq -r .fingerprint "$key.answer")" | grep -q ssh-ed25519
		done
		login "$key" ubuntu true
	done
}

@test "sshd without PAM lets a key in once" {
	other_sshd $PORT "UsePAM no"
	for hide in no yes; do
		[ $hide = no ] || hide_processes
		[ "$(count_logins $PORT "$(ask ubuntu)" ubuntu 3)" -eq 1 ]
		by_ordinary_key $PORT
	done
	# With single_use = pam there is nothing that could spend it.
	agent_conf "single_use = pam"
	forget_events
	[ "$(count_logins $PORT "$(ask ubuntu)" ubuntu 1)" -eq 0 ]
	[ "$(events EVENT REASON)" = "problem module_unproved" ]
	by_ordinary_key $PORT
}

@test "a stack that does not load the module lets a key in once, and so does one whose module cannot be loaded" {
	for edit in '/pam_exc_instance_connect/d' 's/pam_exc_instance_connect.so/pam_exc_instance_connect_away.so/'; do
		edit_pam "$edit"
		[ "$(count_logins 22 "$(ask ubuntu)" ubuntu 3)" -eq 1 ]
		guest cp "$GUEST_DIR/pam-sshd" /etc/pam.d/sshd
	done
}

# libpam reads the service "other" as well, whatever the service is.
@test "a module that is loaded for the service other, and not for sshd's, is not relied upon" {
	guest cat /etc/pam.d/other >"$GUEST_DIR/pam-other"
	line=$(guest grep pam_exc_instance_connect /etc/pam.d/sshd)
	edit_pam '/pam_exc_instance_connect/d'
	guest sh -c "echo '$line' >>/etc/pam.d/other"
	prove_pam
	for mode in auto pam connection; do
		agent_conf "single_use = $mode"
		prove_pam
		count_logins 22 "$(ask ubuntu)" ubuntu 2
	done >"$BATS_TEST_TMPDIR/counts"
	guest test -s /etc/exc-instance-connect/pam.wired
	proved=$?
	guest sh -c 'cat >/etc/pam.d/other' <"$GUEST_DIR/pam-other"
	cat "$BATS_TEST_TMPDIR/counts"
	[ "$proved" -eq 0 ] # or the test shows nothing
	[ "$(<"$BATS_TEST_TMPDIR/counts")" = $'1\n0\n1' ]
	by_ordinary_key 22
}

# stack_line CONTROL: our line with this control, in place of the one that is there
stack_line() { guest sed -i "s/^session.*pam_exc_instance_connect.so.*/session $1 pam_exc_instance_connect.so/" /etc/pam.d/sshd; }

@test "a stack that loads the module and need not run it lets a key in once, and status says why" {
	guest cat /etc/pam.d/sshd >"$GUEST_DIR/pam-sshd"
	for control in optional sufficient '[default=ignore]'; do
		stack_line "$control"
		run guest exc-instance-connect sshd status
		[[ "$output" == *"lets a session open that the module refuses"* ]]
		[ "$(count_logins 22 "$(ask ubuntu)" ubuntu 3)" -eq 1 ]
	done
	guest cp "$GUEST_DIR/pam-sshd" /etc/pam.d/sshd
	guest sed -i '0,/^session/s/^session/session sufficient pam_permit.so\nsession/' /etc/pam.d/sshd
	run guest exc-instance-connect sshd status
	[[ "$output" == *"a line before ours can end the stack or jump over it"* ]]
	[ "$(count_logins 22 "$(ask ubuntu)" ubuntu 3)" -eq 1 ]
	by_ordinary_key 22
}

@test "an edit of PAM's files voids the proof, also for a connection that is under way" {
	agent_conf "single_use = pam"
	[ "$(count_logins 22 "$(ask ubuntu)" ubuntu 1)" -eq 1 ]
	guest touch /etc/pam.d/login
	[ "$(count_logins 22 "$(ask ubuntu)" ubuntu 1)" -eq 0 ]
	by_ordinary_key 22
	prove_pam
	[ "$(count_logins 22 "$(ask ubuntu)" ubuntu 1)" -eq 1 ]
	guest sh -c ': >/etc/pam.d/another'
	[ "$(count_logins 22 "$(ask ubuntu)" ubuntu 1)" -eq 0 ]
	guest rm /etc/pam.d/another
	prove_pam
	[ "$(count_logins 22 "$(ask ubuntu)" ubuntu 1)" -eq 1 ]
}

@test "of a connection by the module and one without it, one gets the key" {
	other_sshd $PORT "UsePAM no"
	key=$(ask ubuntu)
	[ "$(count_logins 22 "$key" ubuntu 1)" -eq 1 ]
	[ "$(count_logins $PORT "$key" ubuntu 1)" -eq 0 ]
	key=$(ask ubuntu)
	[ "$(count_logins $PORT "$key" ubuntu 1)" -eq 1 ]
	[ "$(count_logins 22 "$key" ubuntu 1)" -eq 0 ]
}

@test "a second factor after the key, and a session that opens late, spend the key once" {
	edit_pam 's/^@include common-auth/auth required pam_permit.so/'
	other_sshd $PORT "KbdInteractiveAuthentication yes" "AuthenticationMethods publickey,keyboard-interactive"
	key=$(ask ubuntu)
	for expected in in ''; do
		# shellcheck disable=SC2046 # a list of options
		[ "$(operator ssh -o BatchMode=no $(ssh_options) -n -p $PORT -i "$key" "ubuntu@$GUEST_ADDRESS" echo in || true)" = "$expected" ]
	done
}

@test "of $PARALLEL connections at once that only forward, exactly one gets through with a key" {
	for mode in pam connection; do
		agent_conf "single_use = $mode"
		key=$(ask ubuntu)
		for ((i = 0; i < PARALLEL; i++)); do
			# shellcheck disable=SC2046 # a list of options
			operator timeout 20 ssh $(ssh_options) -i "$key" -W "127.0.0.1:22" "ubuntu@$GUEST_ADDRESS" </dev/null \
				>"$BATS_TEST_TMPDIR/$i" 2>&1 3>&- &
		done
		wait
		echo "$mode"
		[ "$(cat "$BATS_TEST_TMPDIR"/* | grep -ac '^SSH-2.0')" -eq 1 ]
		rm "$BATS_TEST_TMPDIR"/*
	done
}

@test "sshd that inetd starts, on pipes, is served, except where it is hidden and has no module" {
	# On pipes there is no address, and PAM's modules look the word up.
	guest sh -c 'echo "192.0.2.9 UNKNOWN" >>/etc/hosts'
	cp "$GUEST_DIR/sshd_config" "$GUEST_DIR/sshd_config.inetd"
	inetd="-o ProxyCommand=nsenter -t $(<"$GUEST_DIR/guest.pid") -m -r -n -p -- /usr/sbin/sshd -i -f $GUEST_DIR/sshd_config.inetd"
	inetd_logins() {
		local i in=0
		for i in 1 2; do
			# shellcheck disable=SC2046 # a list of options
			[ "$(ssh $(ssh_options) "$inetd" -n -i "$1" "ubuntu@$GUEST_ADDRESS" echo in 2>/dev/null)" != in ] || in=$((in + 1))
		done
		echo $in
	}
	[ "$(inetd_logins "$(ask ubuntu)")" -eq 1 ]
	[ "$(events EVENT CLIENT | grep used)" = "used UNKNOWN" ]
	[ "$(inetd_logins "$GUEST_DIR/keys/ordinary-ubuntu")" -eq 2 ]
	agent_conf "single_use = connection"
	[ "$(inetd_logins "$(ask ubuntu)")" -eq 1 ]
	hide_processes
	agent_conf
	[ "$(inetd_logins "$(ask ubuntu)")" -eq 1 ]
	agent_conf "single_use = connection"
	[ "$(inetd_logins "$(ask ubuntu)")" -eq 1 ]
	sed -i 's/^UsePAM yes/UsePAM no/' "$GUEST_DIR/sshd_config.inetd"
	[ "$(inetd_logins "$(ask ubuntu)")" -eq 0 ]
	[ "$(inetd_logins "$GUEST_DIR/keys/ordinary-ubuntu")" -eq 2 ]
}

@test "an sshd that is being debugged is served" {
	key=$(ask ubuntu)
	for time in 1 2; do
		guest timeout 60 /usr/sbin/sshd -d -p $PORT -f "$GUEST_DIR/sshd_config" >"$BATS_TEST_TMPDIR/debug" 2>&1 3>&- </dev/null &
		debugged=$!
		wait_for grep -q 'Server listening' "$BATS_TEST_TMPDIR/debug"
		[ "$time" -eq 2 ] || sed "s/^$GUEST_ADDRESS/[$GUEST_ADDRESS]:$PORT/" <(head -n 1 "$GUEST_DIR/known_hosts") >>"$GUEST_DIR/known_hosts"
		run login_at $PORT "$key" ubuntu true
		wait "$debugged" || true
		[ "$status" -eq $((time == 1 ? 0 : 255)) ]
	done
}

@test "behind wrappers of root's and of the agent's own, the connection is found" {
	guest install -m 0755 /dev/stdin /usr/bin/root-wrapper <<'END'
#!/bin/sh
setpriv --reuid exc-instance-connect --regid exc-instance-connect --clear-groups /usr/bin/own-wrapper "$@"
exit
END
	guest install -m 0755 /dev/stdin /usr/bin/own-wrapper <<'END'
#!/bin/sh
/usr/bin/exc-instance-connect "$@"
exit
END
	for user in root exc-instance-connect; do
		wrapper=/usr/bin/root-wrapper
		[ $user = root ] || wrapper=/usr/bin/own-wrapper
		other_sshd $PORT "AuthorizedKeysCommand $wrapper authorized-keys %u %f %t %k" "AuthorizedKeysCommandUser $user"
		for hide in 0 2; do
			guest mount -o "remount,hidepid=$hide" /proc
			echo "$user, hidepid=$hide"
			# A hidden wrapper of root's could be anything.
			expected=1
			[ $user-$hide != root-2 ] || expected=0
			[ "$(count_logins $PORT "$(ask ubuntu)" ubuntu 2)" -eq $expected ]
			by_ordinary_key $PORT
		done
		other_sshd_stop $PORT
	done
}

# The one that listens has the right name, and is the same process for all connections.
@test "where the sshd of a connection has another name, the one that listens is not taken for it" {
	guest sh -c 'cp /usr/sbin/sshd /run/sshd.renamed && cp /usr/sbin/sshd /run/sshd.kept'
	other_sshd $PORT
	guest sh -c 'printf "#!/bin/bash\nexec -a /usr/sbin/sshd /run/sshd.renamed \"\$@\"\n" >/usr/sbin/sshd.new && chmod 0755 /usr/sbin/sshd.new && mv /usr/sbin/sshd.new /usr/sbin/sshd'
	first=$(count_logins $PORT "$(ask ubuntu)" ubuntu 2)
	run by_ordinary_key $PORT
	guest mv /run/sshd.kept /usr/sbin/sshd
	guest rm /run/sshd.renamed
	[ "$status" -eq 0 ]
	[ "$first" -eq 0 ]
	[ "$(events EVENT REASON)" = "problem connection_unknown" ]
}

@test "a person cannot have the agent answer for somebody else's connection" {
	key=$(ask ubuntu)
	# shellcheck disable=SC2016 # for the shell over there
	run guest "$GUEST_DIR/sshd" -c 'setpriv --reuid ana --regid ana --clear-groups bash -c "
		suid-setpriv --reuid exc-instance-connect --regid exc-instance-connect --clear-groups \
			exc-instance-connect authorized-keys ubuntu $1
		exit"; exit' sshd "$(jq -r .fingerprint "$key.answer")"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	journal SYSLOG_IDENTIFIER=exc-instance-connect | jq -r .MESSAGE | grep "a process of another user asks"
	login "$key" ubuntu true
}

@test "without /proc nothing is offered, the journal says so, and everybody else gets in" {
	SSHD_UNDER="unshare --mount --propagation private env" other_sshd $PORT "PasswordAuthentication yes" "TrustedUserCAKeys $GUEST_DIR/keys/ca.pub"
	pid=$(guest pgrep -f "sshd: /usr/sbin/sshd -D -p $PORT")
	guest nsenter -t "$pid" -m umount -l /proc
	[ "$(count_logins $PORT "$(ask ubuntu)" ubuntu 1)" -eq 0 ]
	[ "$(events EVENT REASON)" = "problem connection_unknown" ]
	all_ways $PORT
}

# Whoever owns an address chooses its name.
@test "what is recorded of a client is its address, also where sshd looks up names" {
	guest sh -c "echo '$OPERATOR_ADDRESS a-trusted-host.example' >>/etc/hosts"
	other_sshd $PORT "UseDNS yes"
	login_at $PORT "$(ask ubuntu)" ubuntu true
	[ "$(events EVENT CLIENT | tail -n 1)" = "used $OPERATOR_ADDRESS" ]
	guest sh -c 'cat /var/lib/exc-instance-connect/receipts/*' | jq -e "select(.client != \"$OPERATOR_ADDRESS\" and .client != \"UNKNOWN\")" && return 1
	guest sed -i '/a-trusted-host/d' /etc/hosts
}
