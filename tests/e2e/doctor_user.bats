#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# doctor --user: whatever keeps an account from logging in is named, after sshd has shown that it does.

load file_guest

setup_file() {
	file_guest_start stock
	[ -n "${GUEST_DIR-}" ] || return 0
	guest exc-instance-connect sshd enable
	guest cp -a /etc/passwd /etc/shadow /etc/group /etc/gshadow /run/
}

# Every test leaves the guest as it was.
teardown() {
	[ -z "$OBSTACLE" ] || return 0
	guest sh -c 'cd /run && cp -a passwd shadow group gshadow /etc/ && rm -f /etc/nologin /run/nologin'
	! guest sh -c 'ls /etc/ssh/sshd_config.d/*-other.conf' >/dev/null 2>&1 || {
		guest sh -c 'rm /etc/ssh/sshd_config.d/*-other.conf'
		sshd_reload
	}
}

# sshd_has LINES: a drop-in that comes before all others, loaded
sshd_has() {
	sshd_setting "$1" 05
	sshd_reload
}

# The account's findings but the good ones, a line each: LEVEL|TEXT|MEND
found() {
	guest exc-instance-connect doctor --user "$1" --json >"$BATS_TEST_TMPDIR/json" || true
	jq -r '.findings[] | select(.name == "account" and .level != "good") | "\(.level)|\(.text)|\(.mend)"' \
		"$BATS_TEST_TMPDIR/json" | tee "$BATS_TEST_TMPDIR/found"
}

# finds USER LEVEL TEXT MEND: the account's only finding, with these patterns of grep
finds() {
	found "$1"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/found")" -eq 1 ] && grep -q "^$2|.*$3.*|.*$4" "$BATS_TEST_TMPDIR/found"
}

finds_nothing() {
	found "$1"
	[ ! -s "$BATS_TEST_TMPDIR/found" ] &&
		jq -e '.findings[] | select(.name == "account" and .level == "good")' "$BATS_TEST_TMPDIR/json"
}

one_time_login() { login "$(ask "$1")" "$1" true; }

# keeps_out USER LEVEL TEXT MEND: no one-time login, and doctor's reason
keeps_out() {
	run one_time_login "$1"
	echo "$output"
	[ "$status" -ne 0 ] && finds "$@"
}

# mended USER: doctor's fix, which is a command, is run, and the account logs in
mended() {
	guest sh -c "$(cut -d'|' -f3 "$BATS_TEST_TMPDIR/found")" && one_time_login "$1" && finds_nothing "$1"
}

@test "nothing keeps an account out that logs in" {
	one_time_login ubuntu
	one_time_login root
	finds_nothing ubuntu
	finds_nothing root
	run guest exc-instance-connect doctor --user ubuntu
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"nothing keeps ubuntu from a one-time login"* ]]
	for options in "--user" "--user ubuntu --user ana" "ubuntu"; do
		# shellcheck disable=SC2086 # several words
		run guest exc-instance-connect doctor $options
		[ "$status" -eq 2 ]
		[[ "$output" == *"doctor [--user NAME] [--json]"* ]]
	done
}

@test "PubkeyAuthentication no, for everybody or for one account" {
	sshd_has 'PubkeyAuthentication no'
	keeps_out ubuntu bad "PubkeyAuthentication for ubuntu is no" "grep -rsi PubkeyAuthentication .*; set PubkeyAuthentication yes; then: .*reload"
	sshd_has 'Match User ana\n PubkeyAuthentication no'
	keeps_out ana bad "PubkeyAuthentication for ana is no" "set PubkeyAuthentication yes"
	one_time_login ubuntu
	finds_nothing ubuntu
}

@test "AuthenticationMethods without a list that a key alone fulfils" {
	sshd_has 'PasswordAuthentication yes\nAuthenticationMethods publickey,password'
	keeps_out ubuntu warning "AuthenticationMethods also asks for password" "add the list publickey to it"
	sshd_has 'PasswordAuthentication yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods password publickey,password,keyboard-interactive:pam'
	keeps_out ubuntu warning "also asks for password, keyboard-interactive:pam" "add the list publickey to it"
	sshd_has 'PasswordAuthentication yes\nAuthenticationMethods password'
	keeps_out ubuntu bad "AuthenticationMethods has no list with publickey.*: password" "add the list publickey to it"
	sshd_has 'AuthenticationMethods publickey,publickey'
	keeps_out ubuntu warning "also asks for publickey" "add the list publickey"
}

@test "AuthenticationMethods whose only list with a key has a method that is switched off" {
	sshd_has 'PasswordAuthentication no\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey,password keyboard-interactive'
	keeps_out ubuntu bad "AuthenticationMethods has no list with publickey" "add the list publickey to it"
}

@test "AuthenticationMethods with a list that is publickey alone keeps nobody out" {
	sshd_has 'PasswordAuthentication yes\nAuthenticationMethods publickey,password publickey'
	one_time_login ubuntu
	finds_nothing ubuntu
	sshd_has 'AuthenticationMethods any'
	one_time_login ubuntu
	finds_nothing ubuntu
}

@test "PubkeyAcceptedAlgorithms without ssh-ed25519, and with another type or none" {
	sshd_has 'PubkeyAcceptedAlgorithms rsa-sha2-512,ssh-ed25519-cert-v01@openssh.com'
	keeps_out ubuntu warning "PubkeyAcceptedAlgorithms for ubuntu does not have ssh-ed25519, .* has rsa-sha2-512" "add ssh-ed25519 to it, or ask .* ssh-keygen -t rsa"
	sshd_has 'PubkeyAcceptedAlgorithms -ssh-ed25519'
	keeps_out ubuntu warning "for ubuntu does not have ssh-ed25519, .* has ecdsa-sha2-nistp256" "add ssh-ed25519 to it, or ask .* ssh-keygen -t ecdsa"
	sshd_has 'Match User ana\n PubkeyAcceptedAlgorithms ssh-ed25519-cert-v01@openssh.com'
	keeps_out ana bad "PubkeyAcceptedAlgorithms for ana has no type of key that a grant can carry" "add ssh-ed25519 to it; then"
	one_time_login ubuntu
	finds_nothing ubuntu
	sshd_has 'PubkeyAcceptedAlgorithms ssh-ed*'
	one_time_login ubuntu
	finds_nothing ubuntu
}

@test "AllowUsers without the account" {
	sshd_has 'AllowUsers ana root'
	keeps_out ubuntu bad "AllowUsers does not have ubuntu" "add ubuntu to it"
	one_time_login ana
	finds_nothing ana
	# An exclamation mark means nothing here.
	sshd_has 'AllowUsers !ana'
	keeps_out ubuntu bad "AllowUsers does not have ubuntu" "add ubuntu to it"
	sshd_has 'AllowUsers ana ub?nt*'
	one_time_login ubuntu
	finds_nothing ubuntu
}

@test "DenyUsers with the account, also where AllowUsers has it" {
	sshd_has 'DenyUsers ana u*\nAllowUsers ubuntu root'
	keeps_out ubuntu bad 'DenyUsers has u\*, which is also ubuntu' 'remove u\* from it'
	sshd_has 'DenyUsers !ubuntu [u]buntu'
	one_time_login ubuntu
	finds_nothing ubuntu
}

@test "AllowUsers and DenyUsers by address" {
	sshd_has 'AllowUsers ubuntu@192.0.2.1 ana'
	keeps_out ubuntu warning "depends on the client's address whether AllowUsers lets ubuntu in: ubuntu@192.0.2.1" "add ubuntu to it"
	sshd_has "DenyUsers ubuntu@$OPERATOR_ADDRESS"
	keeps_out ubuntu warning "depends on the client's address whether DenyUsers keeps ubuntu out" "remove ubuntu@$OPERATOR_ADDRESS from it"
	sshd_has "AllowUsers ubuntu@192.0.2.1 ubuntu"
	one_time_login ubuntu
	finds_nothing ubuntu
}

@test "AllowGroups without a group of the account, and DenyGroups with one" {
	guest groupadd operators
	sshd_has 'AllowGroups root oper*'
	keeps_out ubuntu bad "AllowGroups has no group of ubuntu" "add ubuntu to it"
	guest usermod -aG operators ubuntu
	one_time_login ubuntu
	finds_nothing ubuntu
	sshd_has 'DenyGroups oper?tors'
	keeps_out ubuntu bad "DenyGroups has oper?tors, which is a group of ubuntu" "remove oper?tors from it"
	sshd_has 'AllowGroups !root'
	keeps_out ubuntu bad "AllowGroups has no group of ubuntu" "add ubuntu to it"
}

@test "a shell that lets nobody in, or is not there" {
	for shell in /usr/sbin/nologin /bin/false; do
		guest usermod -s "$shell" ubuntu
		keeps_out ubuntu bad "the shell of ubuntu lets nobody in: $shell" "usermod -s /bin/bash ubuntu"
	done
	mended ubuntu
	for shell in /bin/missing /etc/passwd /usr/bin; do
		guest usermod -s "$shell" ubuntu
		keeps_out ubuntu bad "the shell of ubuntu is not there or cannot be run: $shell" "usermod -s /bin/bash ubuntu"
	done
	mended ubuntu
}

@test "an account that has expired" {
	guest chage -E 2020-01-01 ubuntu
	keeps_out ubuntu bad "the account ubuntu expired [0-9]* days ago" "chage -E -1 ubuntu"
	mended ubuntu
	guest chage -E "$(date -u +%F)" ubuntu
	keeps_out ubuntu bad "the account ubuntu expired 0 days ago" "chage -E -1 ubuntu"
	guest chage -E "$(date -u -d '+2 days' +%F)" ubuntu
	one_time_login ubuntu
	finds_nothing ubuntu
}

@test "an account that has expired, and sshd has UsePAM no" {
	sshd_has 'UsePAM no'
	guest chage -E 2020-01-01 ubuntu
	keeps_out ubuntu bad "the account ubuntu expired" "chage -E -1 ubuntu"
	guest chage -E "$(date -u +%F)" ubuntu
	one_time_login ubuntu
	finds_nothing ubuntu
}

@test "a locked account logs in with PAM, and not with UsePAM no" {
	guest usermod -p '!$6$salt$hash' ubuntu
	one_time_login ubuntu
	finds_nothing ubuntu
	sshd_has 'UsePAM no'
	keeps_out ubuntu bad "the account ubuntu is locked: .*UsePAM no" "usermod -p '\*' ubuntu"
	mended ubuntu
	guest usermod -p 'x!' ubuntu
	one_time_login ubuntu
	finds_nothing ubuntu
}

@test "a password that must be changed first" {
	guest chage -d 0 ubuntu
	keeps_out ubuntu bad "the password of ubuntu is too old" 'chage -d $(date +%F) ubuntu'
	mended ubuntu
	guest chage -d 2020-01-01 -M 90 ubuntu
	keeps_out ubuntu bad "the password of ubuntu is too old" 'chage -d'
	guest chage -I 5 ubuntu
	keeps_out ubuntu bad "the password of ubuntu is too old" 'chage -d'
	mended ubuntu
	guest chage -d 0 ubuntu
	sshd_has 'UsePAM no'
	one_time_login ubuntu
	finds_nothing ubuntu
}

@test "nologin keeps everybody but root out, with PAM and without" {
	guest touch /etc/nologin
	one_time_login root
	finds_nothing root
	keeps_out ubuntu bad "/etc/nologin lets only root log in" "rm /etc/nologin"
	mended ubuntu
	guest touch /run/nologin
	keeps_out ubuntu bad "/run/nologin lets only root log in" "rm /run/nologin"
	sshd_has 'UsePAM no'
	one_time_login ubuntu
	finds_nothing ubuntu
	guest touch /etc/nologin
	keeps_out ubuntu bad "/etc/nologin lets only root log in" "rm /etc/nologin"
}

@test "an AuthorizedKeysCommand, or its user, that is not ours in a Match block" {
	sshd_has 'Match User ana\n AuthorizedKeysCommandUser nobody'
	keeps_out ana bad "AuthorizedKeysCommandUser for ana is nobody" "set AuthorizedKeysCommandUser exc-instance-connect"
	sshd_has 'Match User ana\n AuthorizedKeysCommand /bin/true %%u'
	keeps_out ana bad "AuthorizedKeysCommand for ana is: /bin/true %u" "MATCH BLOCKS"
	sshd_has 'Match User ana\n AuthorizedKeysCommand none\n AuthorizedKeysCommandUser none'
	keeps_out ana bad "AuthorizedKeysCommand for ana is: none" "MATCH BLOCKS"
	one_time_login ubuntu
	finds_nothing ubuntu
}

@test "another AuthorizedKeysCommand before ours, for all" {
	sshd_has 'AuthorizedKeysCommand /bin/true %%u\nAuthorizedKeysCommandUser nobody'
	keeps_out ubuntu bad "AuthorizedKeysCommand for ubuntu is: /bin/true %u" "exc-instance-connect sshd enable --chain"
}

@test "PermitRootLogin keeps root out, and nobody else" {
	sshd_has 'PermitRootLogin no'
	keeps_out root bad "PermitRootLogin is no" "set PermitRootLogin prohibit-password"
	one_time_login ubuntu
	finds_nothing ubuntu
	sshd_has 'PermitRootLogin forced-commands-only'
	keeps_out root bad "PermitRootLogin is forced-commands-only: only keys that are restricted to a command" "set PermitRootLogin prohibit-password"
	sshd_has 'PermitRootLogin prohibit-password'
	one_time_login root
	finds_nothing root
}

@test "deny_users, a name that no grant can have, and an account that is not there" {
	agent_conf "deny_users = ana ubuntu"
	keeps_out ubuntu bad "deny_users in /etc/exc-instance-connect/agent.conf has ubuntu" "remove ubuntu from deny_users in /etc/exc-instance-connect/agent.conf"
	agent_conf
	finds -dash bad "no grant can be for this user name" "names of 1 to 32 letters"
	finds $'a,addr=1\e[2J' bad "no grant can be for this user name" "names of 1 to 32 letters"
	keeps_out nobody.here bad "there is no account nobody.here" "useradd --create-home --shell /bin/bash nobody.here"
	mended nobody.here
	guest userdel -r nobody.here
}

@test "everything that keeps an account out is named at once" {
	guest chage -E 2020-01-01 ubuntu
	guest usermod -s /usr/sbin/nologin ubuntu
	sshd_has 'AllowUsers ana\nPubkeyAuthentication no'
	run one_time_login ubuntu
	[ "$status" -ne 0 ]
	found ubuntu
	[ "$(grep -c ^bad "$BATS_TEST_TMPDIR/found")" -eq 4 ]
}
