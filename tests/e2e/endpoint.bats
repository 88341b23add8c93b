#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whatever the metadata endpoint does, ordinary logins work, in time, and one line says what is wrong.

load guest

# The agent's timeout_ms, its watchdog's slack, and what ssh itself takes on a busy machine
LOGIN_SECONDS=4

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_key ubuntu
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/stranger"
}

teardown_file() {
	file_guest_stop
}

setup() {
	file_guest_ready
}

# Somebody whose client offers a key that only the agent could know, and then an ordinary one.
login_past_the_agent() {
	local begin=$SECONDS
	SSH_OPTIONS="-i $GUEST_DIR/keys/stranger" login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true || return
	[ $((SECONDS - begin)) -le "$LOGIN_SECONDS" ]
}

# holds MODE REASON: nothing is offered, ordinary logins work, one line says REASON
holds() {
	local key
	key=$(ask ubuntu)
	endpoint_start "$1"
	login_past_the_agent && login_past_the_agent
	local in_time=$?
	login "$key" ubuntu true && local offered=1
	endpoint_stop
	[ "$in_time" -eq 0 ]
	[ -z "${offered-}" ]
	[ "$(events EVENT REASON)" = "problem $2" ]
	# Five seconds later all is well again; the note is what the agent waits for.
	guest rm -f /run/exc-instance-connect/endpoint.failed
	login "$(ask ubuntu)" ubuntu true
}

@test "an endpoint that is down is said to be unreachable" {
	key=$(ask ubuntu)
	connectd_stop
	login_past_the_agent
	run login "$key" ubuntu true
	connectd_start
	[ "$status" -eq 255 ]
	[ "$(events EVENT REASON)" = "problem endpoint_unreachable" ]
}

@test "an endpoint that is back is asked again after five seconds" {
	connectd_stop
	login_past_the_agent
	connectd_start
	fresh_key_logs_in() { login "$(ask ubuntu)" ubuntu true 2>/dev/null; }
	begin=$(date +%s%N)
	run fresh_key_logs_in
	[ "$status" -ne 0 ]
	wait_for fresh_key_logs_in
	[ $((($(date +%s%N) - begin) / 1000000)) -ge 3000 ]
}

@test "an endpoint that says nothing costs a login its timeout once, and no more for five seconds" {
	endpoint_start silent
	begin=$(date +%s%N)
	login_past_the_agent
	middle=$(date +%s%N)
	login_past_the_agent
	end=$(date +%s%N)
	endpoint_stop
	[ $(((middle - begin) / 1000000)) -ge 1000 ]
	[ $(((end - middle) / 1000000)) -lt 1000 ]
	[ "$(events EVENT REASON)" = "problem endpoint_timeout" ]
}

@test "an endpoint that says nothing is named" { holds silent endpoint_timeout; }
@test "an endpoint that sends a byte now and then is cut off in time" { holds slow endpoint_timeout; }
@test "an endpoint that sends a gigabyte is cut off" { holds gigabyte answer_too_large; }
@test "an endpoint that sends headers without end is cut off" { holds headers answer_malformed; }
@test "an endpoint that redirects is not followed" { holds redirect redirected; }
@test "an endpoint that sends half a JSON is named" { holds half answer_malformed; }
@test "an endpoint that promises more than it sends is named" { holds cut answer_malformed; }
@test "an endpoint that answers with an error is named" { holds status http_status; }

@test "no proxy is used, even if the environment names one" {
	key=$(ask ubuntu)
	public=$(ssh-keygen -y -f "$key" | cut -d' ' -f1,2)
	# shellcheck disable=SC2086 # type and key are two arguments
	run guest env http_proxy=http://127.0.0.1:9 ALL_PROXY=http://127.0.0.1:9 \
		setpriv --reuid exc-instance-connect --regid exc-instance-connect --clear-groups \
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
