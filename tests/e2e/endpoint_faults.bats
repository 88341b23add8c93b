#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whatever the metadata endpoint does, ordinary logins work, in time, and one line says what is wrong.

load file_guest

# What the agent may take at its peak, in any case
PEAK_KIB_MAX=$((12 * 1024))
# What ssh says when no key was taken
DENIED="Permission denied (publickey)."

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_key ubuntu
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/stranger"
	guest install -d -m 0777 /run/peaks
	sshd_asks /usr/local/bin/measured-agent <<'END'
#!/bin/sh
exec time -q -f %M -a -o /run/peaks/kib /usr/bin/exc-instance-connect "$@"
END
}

setup() {
	file_guest_ready
	guest sh -c 'rm -f /run/peaks/kib'
}

# A test that failed in between fails alone.
teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || [ -z "${GUEST_DIR-}" ] || connectd_pid >/dev/null || endpoint_stop
}

# Somebody whose client offers a key that only the agent could know, and then an ordinary one.
login_past_the_agent() {
	local begin=$SECONDS
	SSH_OPTIONS="-i $GUEST_DIR/keys/stranger" login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true || return
	[ $((SECONDS - begin)) -le "$LOGIN_SECONDS" ]
}

# Everything that sshd has run in this test stayed below the bound, and something was measured.
peak_is_low() {
	local peak
	peak=$(guest sort -n /run/peaks/kib | tail -n 1)
	echo "peak: $peak KiB"
	[ -n "$peak" ] && [ "$peak" -le "$PEAK_KIB_MAX" ]
}

# holds REASON SEES: with the endpoint as it is now, ordinary logins work; somebody with the one-time
# key $key sees SEES; each of them has a line with REASON; and the agent stays small. For `run`, so that what the test
# has changed is put back.
holds() {
	local saw
	login_past_the_agent && login_past_the_agent || return
	saw=$(login "$key" ubuntu echo in 2>&1 | tr -d '\r') || true
	echo "$saw"
	events EVENT REASON
	[[ "$saw" == *"$2" ]] && [ "$(events EVENT REASON)" = "problem $1
problem $1
problem $1" ] && peak_is_low
}

fresh_key_logs_in() { login "$(ask ubuntu)" ubuntu true 2>/dev/null; }

# well: it held, and now that the endpoint is as it should be, a fresh key logs in. (On a machine that
# needs more than the short time, when the next question has the full one.)
well() {
	echo "$output"
	[ "$status" -eq 0 ]
	wait_for fresh_key_logs_in
}

# fault MODE REASON SEES: the same, with an endpoint that misbehaves in this way
fault() {
	key=$(ask ubuntu)
	endpoint_start "$1"
	run holds "$2" "$3"
	endpoint_stop
	well
}

@test "an endpoint that is down is said to be unreachable" {
	key=$(ask ubuntu)
	connectd_stop
	run holds endpoint_unreachable "$DENIED"
	connectd_start
	well
}

@test "an endpoint whose address swallows every packet costs a login its timeout, and is named" {
	key=$(ask ubuntu)
	# The packets go to a machine that is not there.
	guest ip route add "$METADATA_ADDRESS/32" dev eth0
	guest ip neigh add "$METADATA_ADDRESS" lladdr 02:00:00:00:00:01 dev eth0 nud permanent
	run holds endpoint_timeout "$DENIED"
	guest ip neigh del "$METADATA_ADDRESS" dev eth0
	guest ip route del "$METADATA_ADDRESS/32" dev eth0
	well
}

@test "an endpoint that is back is asked at once" {
	connectd_stop
	login_past_the_agent
	connectd_start
	fresh_key_logs_in
}

# ms_of COMMAND...: how long it takes
ms_of() {
	local begin
	begin=$(date +%s%N)
	"$@" >&2 || return
	echo $((($(date +%s%N) - begin) / 1000000))
}

# past_strangers N: somebody whose client offers N strangers' keys, and then an ordinary one
past_strangers() {
	local i strangers=
	for ((i = 0; i < $1; i++)); do
		[ -e "$GUEST_DIR/keys/stranger-$i" ] || ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/stranger-$i"
		strangers+=" -i $GUEST_DIR/keys/stranger-$i"
	done
	SSH_OPTIONS=$strangers login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true
}

@test "an endpoint that says nothing is asked about each key, costs a connection its timeout once, and has one line" {
	endpoint_start silent
	before=$(connections)
	took=$(ms_of past_strangers 8)
	asked=$(($(connections) - before))
	endpoint_stop
	echo "asked $asked times, took $took ms"
	[ "$asked" -eq 8 ]
	[ "$took" -ge $((1000 + 7 * 300)) ]
	[ "$took" -lt $((8 * 1000)) ]
	[ "$(events EVENT REASON)" = "problem endpoint_timeout" ]
}

@test "an endpoint that has nothing for a key, each time just in time, costs a connection its timeout once" {
	printf '{"grants":[]}' >"$BATS_TEST_TMPDIR/none"
	printf 'instance_id = 42\ntimeout_ms = 2500\n' | guest install -m 0644 /dev/stdin /etc/exc-instance-connect/agent.conf
	endpoint_start late "$BATS_TEST_TMPDIR/none"
	took=$(ms_of past_strangers 6)
	endpoint_stop
	echo "took $took ms"
	# As often as it answers it would be 6 times 1.9 s, which sshd rounds up.
	[ "$took" -lt 9000 ]
}

@test "after three failures the time is short, the journal tells it, and a slow answer is soon waited for again" {
	key=$(ask ubuntu)
	slow_answer "$key"
	endpoint_start silent
	for _ in 1 2 3; do
		login_past_the_agent
	done
	took=$(ms_of login_past_the_agent) # it is the first that tries again
	[ "$took" -ge 1000 ]
	took=$(ms_of login_past_the_agent)
	echo "took $took ms"
	guest journalctl -o cat | grep '300 ms, as it failed before'
	endpoint_stop
	# Slower than the short time
	endpoint_start late "$BATS_TEST_TMPDIR/answer"
	wait_for one_login_in
	login_past_the_agent
	endpoint_stop
	[ "$(events EVENT | sort | uniq -c | sed 's/^ *//' | grep -v problem)" = "1 offered
1 used" ]
}
one_login_in() { login "$key" ubuntu true 2>/dev/null; }

# slow_answer KEY: the endpoint's answer for it, for endpoint_start; and two seconds to wait for it
slow_answer() {
	local fingerprint
	fingerprint=$(jq -r '.fingerprint | @uri' "$1.answer")
	# A signed time would be an answer to another nonce.
	guest curl -sf -H 'X-Exc-Metadata: 1' \
		"http://$METADATA_ADDRESS/v1/instance-connect/grants?user=ubuntu&fingerprint=$fingerprint" |
		jq 'del(.time)' >"$BATS_TEST_TMPDIR/answer"
	printf 'instance_id = 42\nsigned_time = no\n' | guest install -m 0644 /dev/stdin /etc/exc-instance-connect/agent.conf
}

@test "an endpoint that answers after 1.9 of its 2 seconds is waited for, and the key logs in" {
	key=$(ask ubuntu)
	slow_answer "$key"
	endpoint_start late "$BATS_TEST_TMPDIR/answer"
	login_past_the_agent
	run login "$key" ubuntu echo in
	endpoint_stop
	[ "$output" = in ]
	[ "$(events EVENT REASON)" = "offered -
used -" ]
	peak_is_low
}

# What the endpoint does, what is logged, and what the person with the one-time key sees
@test "an endpoint that says nothing is named" { fault silent endpoint_timeout "$DENIED"; }
@test "an endpoint that sends a byte now and then is cut off in time" { fault slow endpoint_timeout "$DENIED"; }
@test "an endpoint that drips a byte a second is cut off in time" { fault drip endpoint_timeout "$DENIED"; }
@test "an endpoint that sends a gigabyte is cut off" { fault gigabyte answer_too_large "$DENIED"; }
@test "an endpoint that sends a gigabyte in chunks is cut off" { fault endless answer_too_large "$DENIED"; }
@test "an endpoint that sends a chunk's size without end is cut off" { fault chunk endpoint_timeout "$DENIED"; }
@test "an endpoint that sends interim answers without end is cut off" { fault interim answer_malformed "$DENIED"; }
@test "an endpoint that sends headers without end is cut off" { fault headers answer_malformed "$DENIED"; }
@test "an endpoint that sends a header of a megabyte is cut off" { fault header answer_malformed "$DENIED"; }
@test "an endpoint that sends a bomb of gzip is cut off" { fault bomb answer_too_large "$DENIED"; }
@test "an endpoint that sends 10,000 grants is named" { fault grants answer_malformed "$DENIED"; }
@test "an endpoint that sends a JSON without a bottom is named" { fault deep answer_malformed "$DENIED"; }
@test "an endpoint that redirects is not followed" { fault 302 redirected "$DENIED"; }
@test "an endpoint that redirects for good is not followed" { fault 301 redirected "$DENIED"; }
@test "an endpoint that sends half a JSON is named" { fault half answer_malformed "$DENIED"; }
@test "an endpoint that promises more than it sends is named" { fault cut answer_malformed "$DENIED"; }
@test "an endpoint that resets the connection in its answer is named" { fault reset answer_malformed "$DENIED"; }
@test "an endpoint that answers with an error is named" { fault 500 http_status "$DENIED"; }
@test "an endpoint that answers without content is named" { fault 204 http_status "$DENIED"; }

@test "no proxy is used, even if the environment names one" {
	key=$(ask ubuntu)
	public=$(ssh-keygen -y -f "$key" | cut -d' ' -f1,2)
	# shellcheck disable=SC2086 # type and key are two arguments
	run as_sshd env http_proxy=http://127.0.0.1:9 ALL_PROXY=http://127.0.0.1:9 \
		/usr/bin/exc-instance-connect authorized-keys ubuntu "$(jq -r .fingerprint "$key.answer")" $public
	[ "$status" -eq 0 ]
	[ "$output" = "$public" ]
}

@test "only the configured protocol is spoken" {
	for url in file:///etc/passwd ftp://169.254.169.254 169.254.169.254 gopher://169.254.169.254; do
		forget_events
		agent_conf "metadata_url = $url"
		run agent authorized-keys ubuntu SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
		[ "$status" -eq 0 ]
		[ -z "$output" ]
		[ "$(events EVENT REASON)" = "problem config_invalid" ]
	done
}
