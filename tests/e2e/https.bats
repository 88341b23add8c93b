#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An endpoint behind TLS has to show a certificate that is its own, and names are looked up in time.

load file_guest
load front

# authority NAME: a certificate authority of its own, and an endpoint's key and certificate by it
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
		-keyout "$GUEST_DIR/$1.key" -out "$GUEST_DIR/$1.pem" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=endpoint \
		-keyout "$GUEST_DIR/$1.endpoint.key" -out "$GUEST_DIR/$1.csr" 2>/dev/null
	openssl x509 -req -in "$GUEST_DIR/$1.csr" -CA "$GUEST_DIR/$1.pem" -CAkey "$GUEST_DIR/$1.key" -CAcreateserial -days 2 \
		-extfile <(echo "subjectAltName=DNS:metadata.test,IP:127.0.0.1,IP:::1") -out "$GUEST_DIR/$1.endpoint.pem" 2>/dev/null
}

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_key ubuntu
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/stranger"
	authority known
	authority unknown
	guest install -m 0644 "$GUEST_DIR/known.pem" /usr/local/share/ca-certificates/known.crt
	guest update-ca-certificates >/dev/null 2>&1
	guest sh -c 'echo "127.0.0.1 metadata.test other.test" >>/etc/hosts'
	tls_front 0.0.0.0 443 known
	tls_front ::1 443 known
	tls_front 0.0.0.0 444 unknown
}

teardown_file() {
	fronts_stop
	file_guest_stop
}

# tls_front ADDRESS PORT AUTHORITY: TLS before exc-connectd, on the guest, whose address it knows
tls_front() {
	front relay "$1" "$2" "$METADATA_ADDRESS" 80 "$GUEST_DIR/$3.endpoint.pem" "$GUEST_DIR/$3.endpoint.key"
}

# one_time_login URL: with a fresh key
one_time_login() {
	agent_conf "metadata_url = $1"
	guest rm -f /run/exc-instance-connect/endpoint.failures
	login "$(ask ubuntu)" ubuntu true
}

# refuses URL REASON WORDS: (REASON a regular expression) a one-time key does not log in, an ordinary one does, in time, and the journal says why
refuses() {
	local begin=$SECONDS
	run one_time_login "$1"
	[ "$status" -eq 255 ]
	guest rm -f /run/exc-instance-connect/endpoint.failures
	SSH_OPTIONS="-i $GUEST_DIR/keys/stranger" login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true
	[ $((SECONDS - begin)) -le $((2 * LOGIN_SECONDS)) ]
	output=$(events EVENT REASON | sort -u)
	[ -n "$output" ]
	[ -z "$(grep -vxE "problem ($2)" <<<"$output")" ]
	run journal SYSLOG_IDENTIFIER=exc-instance-connect EXC_EVENT=problem
	[[ "$(jq -r .MESSAGE <<<"$output" | tail -n 1)" == *"$3"* ]] || { jq -r .MESSAGE <<<"$output"; false; }
}

@test "a certificate by a known authority, for the name or the address that is asked, is good" {
	one_time_login https://metadata.test
	one_time_login https://127.0.0.1:443/
	[ -z "$(events EVENT | grep problem)" ]
}

@test "an IPv6 address is asked too" {
	one_time_login 'https://[::1]'
}

@test "a certificate by an unknown authority is refused" {
	refuses https://metadata.test:444 endpoint_unreachable "unable to get local issuer certificate"
}

@test "a certificate for another name, or another address, is refused" {
	refuses https://other.test endpoint_unreachable "other.test"
	forget_events
	refuses "https://$GUEST_ADDRESS" endpoint_unreachable "$GUEST_ADDRESS"
}

@test "TLS 1.1 is refused" {
	guest openssl s_server -accept 445 -tls1_1 -cipher ALL@SECLEVEL=0 -cert "$GUEST_DIR/known.endpoint.pem" \
		-key "$GUEST_DIR/known.endpoint.key" >"$GUEST_DIR/tls.out" 2>&1 3>&- </dev/null &
	wait_for grep -q ACCEPT "$GUEST_DIR/tls.out"
	refuses https://metadata.test:445 endpoint_unreachable ""
}

@test "http where https is expected is refused, and the reverse" {
	refuses http://metadata.test:443 answer_malformed ""
	forget_events
	refuses "https://$METADATA_ADDRESS:80" endpoint_unreachable ""
}

@test "a name that nobody knows, and nameservers that say nothing, cost no more than the time limit" {
	guest sh -c "echo 'nameserver $OPERATOR_ADDRESS' >/etc/resolv.conf"
	# The kernel limits how often it tells that nobody listens there.
	refuses http://nowhere.test 'endpoint_timeout|endpoint_unreachable' nowhere.test
	# From here on the packets go nowhere.
	guest sh -c 'echo "nameserver 198.51.100.1" >/etc/resolv.conf'
	operator ip route add blackhole 198.51.100.1
	forget_events
	refuses http://nowhere.test endpoint_timeout nowhere.test
	guest rm /etc/resolv.conf
	forget_events
	refuses http://nowhere.test 'endpoint_timeout|endpoint_unreachable' nowhere.test
	# hosts(5) does without
	agent_conf 'metadata_url = http://known.test'
	guest sh -c "echo '$METADATA_ADDRESS known.test' >>/etc/hosts"
	one_time_login http://known.test
}
