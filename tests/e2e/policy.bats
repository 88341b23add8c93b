#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Guests whose policy has no Ed25519: sshd refuses such keys, or OpenSSL such signatures.

load file_guest
load es256

setup_file() {
	file_guest_start stock
	[ -n "${GUEST_DIR-}" ] || return 0
	guest exc-instance-connect sshd enable
}

teardown() {
	[ -z "$OBSTACLE" ] || return 0
	openssl_is_usual
	[ ! -e "$GUEST_DIR/es256.out" ] || es256_stop
	rm -f "$GUEST_DIR/es256.out"
	guest test ! -e /etc/ssh/sshd_config.d/05-other.conf || {
		guest rm /etc/ssh/sshd_config.d/05-other.conf
		sshd_reload
	}
	guest sh -c '[ ! -e /run/operator.pem ] || mv /run/operator.pem /etc/exc-instance-connect/trust.d/'
}

# sshd_has LINES: a drop-in that comes before all others, loaded
sshd_has() {
	sshd_setting "$1" 05
	sshd_reload
}

# found: doctor's findings but the good ones, a line each: LEVEL|NAME|TEXT|MEND
found() {
	guest exc-instance-connect doctor --json >"$BATS_TEST_TMPDIR/json" || true
	jq -r '.findings[] | select(.level != "good") | "\(.level)|\(.name)|\(.text)|\(.mend)"' "$BATS_TEST_TMPDIR/json" |
		tee "$BATS_TEST_TMPDIR/found"
}

# finds LEVEL NAME TEXT MEND: the one finding that is not good
finds() {
	found
	[ "$(wc -l <"$BATS_TEST_TMPDIR/found")" -eq 1 ] && grep -q "^$1|$2|.*$3.*|.*$4" "$BATS_TEST_TMPDIR/found"
}

# says REASON TEXT: an entry in the journal has both
says() {
	journal SYSLOG_IDENTIFIER=exc-instance-connect | jq -r '"\(.EXC_EVENT) \(.EXC_REASON) \(.MESSAGE)"' |
		tee "$BATS_TEST_TMPDIR/events"
	grep -q " $1 .*$2" "$BATS_TEST_TMPDIR/events"
}

# without_ed25519 [LATE]: the agent's OpenSSL has everything else
without_ed25519() {
	[ -e "$GUEST_DIR/no_ed25519.so" ] ||
		gcc -shared -fPIC -O2 -o "$GUEST_DIR/no_ed25519.so" "$BATS_TEST_DIRNAME/../unit/no_ed25519.c" -lcrypto
	guest install -m 0644 /dev/stdin /usr/lib/no_ed25519.so <"$GUEST_DIR/no_ed25519.so"
	openssl_is 'openssl_conf = init\n[init]\nproviders = providers\n[providers]\nno-ed25519 = less\n[less]\nmodule = /usr/lib/no_ed25519.so\nactivate = 1' "$@"
}

@test "a P-256 key with a grant of ES256 logs in once where sshd refuses Ed25519 keys, however keys are spent" {
	sshd_has 'PubkeyAcceptedAlgorithms -ssh-ed25519*'
	run login "$(ask ubuntu)" ubuntu true
	[ "$status" -eq 255 ]
	[ -z "$(events EVENT)" ]
	es256_start
	for mode in pam connection; do
		agent_conf "single_use = $mode"
		forget_events
		p256_logs_in_once
		[ "$(events EVENT CALLER | sort -u)" = "offered user:ana
replayed user:ana
used user:ana" ]
	done
}

@test "doctor says which keys sshd accepts instead, and how to ask with one" {
	sshd_has 'PubkeyAcceptedAlgorithms -ssh-ed25519*'
	finds warning "sshd's configuration" "PubkeyAcceptedAlgorithms does not have ssh-ed25519, .* has ecdsa-sha2-nistp256" \
		"add ssh-ed25519 to it, or ask .* with a public_key .* ssh-keygen -t ecdsa"
	sshd_has 'PubkeyAcceptedAlgorithms rsa-sha2-256'
	finds warning "sshd's configuration" "but it has rsa-sha2-256" "ssh-keygen -t rsa"
	sshd_has 'PubkeyAcceptedAlgorithms ssh-ed25519-cert-v01@openssh.com,ssh-rsa'
	finds bad "sshd's configuration" "has no type of key that a grant can carry" "grep -rsi PubkeyAcceptedAlgorithms .*; add ssh-ed25519 to it"
	guest sh -c 'mkdir -p /etc/crypto-policies/back-ends && : >/etc/crypto-policies/back-ends/opensshserver.config'
	run finds bad "sshd's configuration" "has no type of key" "update-crypto-policies --show"
	guest rm -r /etc/crypto-policies
	echo "$output"
	[ "$status" -eq 0 ]
	sshd_has 'PubkeyAcceptedAlgorithms ssh-ed*'
	found
	[ ! -s "$BATS_TEST_TMPDIR/found" ]
}

@test "where OpenSSL has no Ed25519, its grants are refused with what to do, and those of ES256 log in once" {
	without_ed25519
	run login "$(ask ubuntu)" ubuntu true
	[ "$status" -eq 255 ]
	# The operator's key is the only one.
	says trust_empty "this OpenSSL has no Ed25519; have the operator sign with ES256"
	guest install -m 0644 /dev/stdin /etc/exc-instance-connect/trust.d/p256.pem < <(openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout 2>/dev/null)
	forget_events
	run login "$(ask ubuntu)" ubuntu true
	[ "$status" -eq 255 ]
	says algorithm_unavailable "this OpenSSL has no Ed25519; have the operator sign with ES256"
	es256_start
	for mode in pam connection; do
		agent_conf "single_use = $mode"
		p256_logs_in_once
	done
	login "$(ordinary_key ubuntu)" ubuntu true
}

@test "an OpenSSL that loads its provider late, as in FIPS mode, has done so before the walls are up" {
	kernel_in_fips_mode
	without_ed25519 LATE
	es256_start
	run p256_logs_in_once
	said=$(events EVENT REASON)
	kernel_is_usual
	echo "$output" "$said"
	[ "$status" -eq 0 ]
	[ "$said" = "offered -
used -
replayed already_used" ]
}

@test "doctor says which trust anchors this OpenSSL cannot verify with" {
	without_ed25519
	found
	grep -q "^bad|trust anchors|none of .*trust.d can verify a grant: this OpenSSL has no Ed25519.*|have the operator sign with ES256" "$BATS_TEST_TMPDIR/found"
	run guest exc-instance-connect doctor --next
	[[ "$output" == *"the files in /etc/exc-instance-connect/trust.d cannot be used"* ]]
	es256_start
	finds warning "trust anchors" "1 of .*trust.d can verify nothing here: this OpenSSL has no Ed25519" "P-256 public key"
	guest mv /etc/exc-instance-connect/trust.d/operator.pem /run/
	found
	[ ! -s "$BATS_TEST_TMPDIR/found" ]
	openssl_is_usual
	guest mv /run/operator.pem /etc/exc-instance-connect/trust.d/
	found
	[ ! -s "$BATS_TEST_TMPDIR/found" ]
}

@test "openssl.cnf alone takes nothing from the agent, which does not read it" {
	without_ed25519
	guest rm /etc/ld.so.preload
	run guest openssl pkey -pubin -in /etc/exc-instance-connect/trust.d/operator.pem -noout
	[ "$status" -ne 0 ]
	logs_in_once
}
