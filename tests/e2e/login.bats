#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# One-time keys through a real sshd: who gets in, who does not, and what each is told.

load file_guest

@test "a one-time key logs in as its user and runs a command" {
	key=$(ask ubuntu)
	run login "$key" ubuntu id -un
	[ "$status" -eq 0 ]
	[ "$output" = ubuntu ]
	[ "$(events EVENT USER CALLER CLIENT)" = "offered ubuntu user:ana -
used ubuntu user:ana $OPERATOR_ADDRESS" ]
}

@test "a key that was used once is refused the second time" {
	key=$(ask ubuntu)
	login "$key" ubuntu true
	run login "$key" ubuntu true
	[ "$status" -eq 255 ]
	[[ "$output" == *"Permission denied"* ]]
	[ "$(events EVENT REASON | tail -n 1)" = "replayed already_used" ]
}

@test "a key for one user does not log in another" {
	key=$(ask ubuntu)
	run login "$key" ana true
	[ "$status" -eq 255 ]
	login "$key" ubuntu true
}

@test "a key that nobody asked for is refused without a word in the log" {
	ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/stranger"
	run login "$BATS_TEST_TMPDIR/stranger" ubuntu true
	[ "$status" -eq 255 ]
	[ -z "$(events)" ]
	[ -z "$(journal SYSLOG_IDENTIFIER=sshd -p err)" ]
}

@test "with log_level = debug, a key that no grant names leaves one line at priority debug" {
	ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/stranger"
	agent_conf "log_level = debug"
	run login "$BATS_TEST_TMPDIR/stranger" ubuntu true
	[ "$status" -eq 255 ]
	login "$(ask ubuntu)" ubuntu true
	[ "$(events EVENT USER)" = $'no_grant ubuntu\noffered ubuntu\nused ubuntu' ]
	[ "$(journal EXC_EVENT=no_grant | jq -r '"\(.PRIORITY) \(.EXC_FINGERPRINT)"')" = \
		"7 $(ssh-keygen -lf "$BATS_TEST_TMPDIR/stranger.pub" | cut -d' ' -f2)" ]
	[[ "$(guest exc-instance-connect doctor || true)" == *"set log_level = debug"* ]]
}

@test "a key older than its life is refused" {
	sed -i 's/^key_lifetime.*/key_lifetime = 5/' "$GUEST_DIR/connectd.conf"
	connectd_stop && connectd_start
	key=$(ask ubuntu)
	expires=$(date -d "$(jq -r .expires_at "$key.answer")" +%s)
	is_expired() { [ "$(date +%s)" -ge "$expires" ]; }
	wait_for is_expired
	run login "$key" ubuntu true
	sed -i 's/^key_lifetime.*/key_lifetime = 60/' "$GUEST_DIR/connectd.conf"
	connectd_stop && connectd_start
	[ "$status" -eq 255 ]
	[ -z "$(events)" ] # the endpoint no longer serves it
}

@test "an ordinary key still logs in, and the module writes nothing" {
	key=$(ordinary_key ana)
	guest find /run/exc-instance-connect /var/lib/exc-instance-connect | sort >"$BATS_TEST_TMPDIR/before"
	login "$key" ana true
	guest find /run/exc-instance-connect /var/lib/exc-instance-connect | sort >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[ -z "$(events)" ]
}

@test "strangers' keys before an ordinary one cost a person nothing but time" {
	key=$(ordinary_key ana)
	for i in 1 2 3 4; do
		ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/$i"
		SSH_OPTIONS="${SSH_OPTIONS-} -i $BATS_TEST_TMPDIR/$i"
	done
	login "$key" ana true
	[ -z "$(events)" ]
}

@test "a caller's own public key works, and the server then sends no private one" {
	ssh-keygen -q -t ecdsa -N '' -f "$BATS_TEST_TMPDIR/own"
	public=$(cut -d' ' -f1,2 "$BATS_TEST_TMPDIR/own.pub")
	run ask ubuntu "\"public_key\":\"$public\""
	[ "$status" -ne 0 ] # jq finds no private_key
	login "$BATS_TEST_TMPDIR/own" ubuntu true
	run login "$BATS_TEST_TMPDIR/own" ubuntu true
	[ "$status" -eq 255 ]
}

@test "one login is one request: sshd's second question is answered from the ledger" {
	key=$(ask ubuntu)
	before=$(connections)
	login "$key" ubuntu true
	[ $(($(connections) - before)) -eq 1 ]
	[ "$(events EVENT)" = "offered
used" ]
}

@test "a key that a person granted twice logs in twice, and not three times" {
	ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/own"
	public=$(cut -d' ' -f1,2 "$BATS_TEST_TMPDIR/own.pub")
	for i in 1 2; do
		ask ubuntu "\"public_key\":\"$public\"" || true
		login "$BATS_TEST_TMPDIR/own" ubuntu true
	done
	run login "$BATS_TEST_TMPDIR/own" ubuntu true
	[ "$status" -eq 255 ]
}

@test "an ordinary key that is also granted once logs in before and after" {
	key=$(ordinary_key ana)
	ask ana "\"public_key\":\"$(cut -d' ' -f1,2 "$key.pub")\"" || true
	login "$key" ana true
	login "$key" ana true
}

@test "a grant's command is what runs, whatever the person asked for" {
	# shellcheck disable=SC2016 # for the shell over there
	key=$(ask ubuntu '"command":"echo \"one  two\" \\\\ $0; echo \"$SSH_ORIGINAL_COMMAND\""')
	run login "$key" ubuntu id
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 'one  two \ bash' ]
	[ "${lines[1]}" = id ]
}

@test "a grant's source is the only place that the key works from" {
	key=$(ask ubuntu '"source":"192.0.2.0/24"')
	run login "$key" ubuntu true
	[ "$status" -eq 255 ]
	key=$(ask ubuntu "\"source\":[\"192.0.2.0/24\",\"$OPERATOR_ADDRESS\"]")
	login "$key" ubuntu true
}

@test "files are copied with sftp and a one-time key" {
	key=$(ask ubuntu)
	echo hello >"$BATS_TEST_TMPDIR/file"
	# shellcheck disable=SC2046 # a list of options
	operator scp -q $(ssh_options) -i "$key" "$BATS_TEST_TMPDIR/file" "ubuntu@$GUEST_ADDRESS:copied"
	[ "$(guest cat /home/ubuntu/copied)" = hello ]
}

# Two connections hold the same key, both authenticated, before either opens its session: the PAM
# stack waits in front of our module until both are there.
@test "the loser of a race is told why and gets no session" {
	guest mkdir -p /run/barrier
	guest sh -c 'cat >/usr/local/sbin/barrier <<"END"
#!/bin/sh
touch /run/barrier/$PPID
for i in $(seq 400); do
	[ "$(ls /run/barrier | wc -l)" -lt 2 ] || exit 0
	sleep 0.02
done
END
chmod 0755 /usr/local/sbin/barrier
sed -i "0,/^session/s/^session/session optional pam_exec.so \/usr\/local\/sbin\/barrier\nsession/" /etc/pam.d/sshd'
	prove_pam
	key=$(ask ubuntu)
	for i in 1 2; do
		login "$key" ubuntu echo in >"$BATS_TEST_TMPDIR/$i" 2>&1 3>&- || echo "status $?" >>"$BATS_TEST_TMPDIR/$i" &
	done
	wait
	guest sed -i '/barrier/d' /etc/pam.d/sshd
	prove_pam
	cat "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/2"
	[ "$(cat "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/2" | grep -c '^in')" -eq 1 ]
	grep -h "this one-time key was already used; ask for a new one" "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/2"
	grep -hx "status 254" "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/2"
	[ "$(events EVENT | sort | uniq -c | tr -s ' ' | paste -sd,)" = " 2 offered, 1 replayed, 1 used" ]
}

@test "without the module, single use holds by the connection" {
	agent_conf "single_use = connection"
	guest sed -i.module '/pam_exc_instance_connect/d' /etc/pam.d/sshd
	key=$(ask ubuntu)
	run login "$key" ubuntu echo in
	run2=$(login "$key" ubuntu echo again 2>&1) || true
	guest mv /etc/pam.d/sshd.module /etc/pam.d/sshd
	prove_pam
	[ "$output" = in ]
	[[ "$run2" == *"Permission denied"* ]]
	[ "$(events EVENT REASON)" = "offered -
replayed already_used" ]
}

@test "single_use = auto binds to the connection until it is proved that PAM runs the module" {
	guest rm /etc/exc-instance-connect/pam.wired
	logs_in_once
	events EVENT >"$BATS_TEST_TMPDIR/bound"
	# A file by this name is no proof.
	guest touch /etc/exc-instance-connect/pam.wired
	logs_in_once
	forget_events
	prove_pam
	logs_in_once
	logged_in_once
	[ "$(<"$BATS_TEST_TMPDIR/bound")" = $'offered\nused\nreplayed' ]
}

@test "without the module, running the agent by hand takes no key from its owner" {
	agent_conf "single_use = connection"
	guest sed -i.module '/pam_exc_instance_connect/d' /etc/pam.d/sshd
	key=$(ask ubuntu)
	run as_agent /usr/bin/exc-instance-connect authorized-keys ubuntu "$(jq -r .fingerprint "$key.answer")"
	login "$key" ubuntu true
	guest mv /etc/pam.d/sshd.module /etc/pam.d/sshd
	prove_pam
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(events EVENT REASON)" = "problem connection_unknown
offered -" ]
}

@test "deny_users keeps a user to ordinary keys" {
	agent_conf "deny_users = root ubuntu"
	key=$(ask ubuntu)
	run login "$key" ubuntu true
	[ "$status" -eq 255 ]
	login "$(ordinary_key ubuntu)" ubuntu true
}

@test "receipts tell the control plane which keys were used, and from where" {
	key=$(ask ubuntu)
	login "$key" ubuntu true
	fingerprint=$(jq -r .fingerprint "$key.answer")
	agent report
	[ -z "$(guest ls /var/lib/exc-instance-connect/receipts)" ]
	connectd audit --json >"$BATS_TEST_TMPDIR/trail"
	[ "$(jq -r "[.[] | select(.fingerprint == \"$fingerprint\") | .event] | join(\" \")" "$BATS_TEST_TMPDIR/trail")" = "issued served used" ]
	[ "$(jq -r ".[] | select(.fingerprint == \"$fingerprint\" and .event == \"used\") | .source" "$BATS_TEST_TMPDIR/trail")" = "$OPERATOR_ADDRESS" ]
}

@test "what a key is limited to, and the login's audit session, are in the guest's journal, the receipt and the trail" {
	forget_events
	key=$(ask ubuntu "\"command\":\"echo \\\"a b\\\" \\\\\\\\ ; cat /proc/self/sessionid\",\"source\":[\"$OPERATOR_ADDRESS/32\",\"2001:db8::/64\"]")
	allows='echo "a b" \\ ; cat /proc/self/sessionid'
	# Before pam_loginuid has run, a login has no audit session of its own. On Debian, its package's line comes later.
	guest cp /etc/pam.d/sshd /etc/pam.d/sshd.kept
	guest sed -i -e '/pam_exc_instance_connect/{h;d}' -e '/pam_loginuid/G' /etc/pam.d/sshd
	guest exc-instance-connect sshd status >/dev/null || true
	said=$(login "$key" ubuntu x) || true
	guest mv /etc/pam.d/sshd.kept /etc/pam.d/sshd
	guest exc-instance-connect sshd status >/dev/null || true
	[[ "$said" == 'a b \'* ]]
	session=$(tail -n 1 <<<"$said")
	for event in offered used; do
		[ "$(events EVENT COMMAND ALLOWED_SOURCE | grep "^$event ")" = "$event $allows $OPERATOR_ADDRESS/32,2001:db8::/64" ]
	done
	receipt=$(guest sh -c 'cat /var/lib/exc-instance-connect/receipts/*')
	[ "$(jq -r .command <<<"$receipt")" = "$allows" ]
	[ "$(jq -r .source <<<"$receipt")" = "$OPERATOR_ADDRESS/32,2001:db8::/64" ]
	agent report
	used=$(connectd audit --json | jq --arg fingerprint "$(jq -r .fingerprint "$key.answer")" '.[] | select(.fingerprint == $fingerprint and .event == "used")')
	[ "$(jq -r .command <<<"$used")" = "$allows" ]
	# Kernels without audit, and containers without the right to it, have no session.
	[ "$session" != 4294967295 ] || session=null
	[ "$(jq -r .audit_session <<<"$used")" = "$session" ]
}

@test "hostile user names never reach a path or a URL" {
	# This is not about time, nor about how often the same is reported on a slow machine.
	TIMEOUT_MS=10000 agent_conf
	endpoint_start record "$BATS_TEST_TMPDIR/requests"
	guest find /run /etc/exc-instance-connect /var/lib/exc-instance-connect -xdev | sort >"$BATS_TEST_TMPDIR/before"
	fingerprint=SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
	for name in '../../etc/passwd' 'a/b' '%2e%2e' 'a b' '..' '.' '-rf' '' 'a&user=root' 'a?b' 'a#b' \
		$'a\nb' 'ünï' aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; do
		run agent authorized-keys "$name" "$fingerprint"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
	done
	agent authorized-keys 'a$b+c@d' "$fingerprint"
	endpoint_stop
	guest find /run /etc/exc-instance-connect /var/lib/exc-instance-connect -xdev | sort >"$BATS_TEST_TMPDIR/after"
	# Nothing new but the note that it was said, the journal's own files, and the ledger's folder if this came first
	run diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	echo "$output"
	[ -z "$(grep '^>' <<<"$output" | grep -v -e /run/exc-instance-connect/said.user_name_invalid -e '/run/exc-instance-connect/used$' -e '/run/exc-instance-connect/bound$' -e '/run/exc-instance-connect/connections$' -e /run/log -e /run/systemd)" ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/requests")" -eq 1 ]
	grep -q '^GET /v1/instance-connect/grants?user=a%24b%2Bc%40d&fingerprint=SHA256%3A47DEQpj8HBSa%2B%2FTImW%2B5JCeuQeRkm5NMpJWZG3hSuFU&nonce=[0-9a-f]\{32\}$' "$BATS_TEST_TMPDIR/requests"
	[ "$(events EVENT REASON | sort -u)" = "problem user_name_invalid" ]
}

@test "--config after the words of sshd's question names the endpoint that is asked" {
	key=$(ask ubuntu)
	agent_conf
	guest cp /etc/exc-instance-connect/agent.conf /etc/exc-instance-connect/own.conf
	agent_conf "metadata_url = http://127.0.0.9:9"
	agent --config /etc/exc-instance-connect/own.conf authorized-keys ubuntu "$(jq -r .fingerprint "$key.answer")" | grep ^ssh-
	key=$(ask ubuntu)
	agent authorized-keys ubuntu "$(jq -r .fingerprint "$key.answer")" --config /etc/exc-instance-connect/own.conf |
		grep ^ssh-
}
