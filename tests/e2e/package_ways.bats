#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The Debian package on guests that are not as the distribution makes them: at every step of its life sshd answers
# on every address that it had, and who could log in still can.

load file_guest

setup_file() {
	file_guest_start bare
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_key ubuntu
	for key in ca staff corporate; do
		ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/$key"
	done
	# For a principal that is no user of the guest, so that only the command lets it in
	ssh-keygen -q -s "$GUEST_DIR/keys/ca" -I staff -n staff "$GUEST_DIR/keys/staff.pub"
	guest install -m 0644 "$GUEST_DIR/keys/ca.pub" /etc/ssh/ca.pub
	guest install -m 0644 "$GUEST_DIR/keys/corporate.pub" /usr/share/corporate-keys
	printf '#!/bin/sh\necho staff\n' | guest install -m 0755 /dev/stdin /usr/bin/staff-only
	printf '#!/bin/sh\ncat /usr/share/corporate-keys\n' | guest install -m 0755 /dev/stdin /usr/bin/other-keys
	"$BATS_TEST_DIRNAME/../build-packages" "$GUEST_DIR/packages" >"$GUEST_DIR/build.log" 2>&1 3>&- || {
		tail -n 40 "$GUEST_DIR/build.log"
		return 1
	}
	cd "$GUEST_DIR/packages" || return
	PACKAGE=$(echo "$GUEST_DIR"/packages/exc-instance-connect_*.deb)
	export PACKAGE
}

setup() { file_guest_or_skip; }

teardown() {
	[ -n "${GUEST_DIR-}" ] || return 0
	guest sysctl -q -w net.ipv6.conf.all.disable_ipv6=0
	guest sh -c 'rm -f /etc/ssh/sshd_config.d/*-other.conf'
	sshd_reload
	package --purge exc-instance-connect >/dev/null 2>&1
	login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true
}

package() { guest env DEBIAN_FRONTEND=noninteractive dpkg --force-confnew "$@"; }

# Where sshd listens, as ADDRESS:PORT
listens() { guest ss -Hltn | awk '{ print $4 }' | sort; }
# speaks ADDRESS:PORT: does an sshd, to one of this machine's own addresses?
speaks() {
	local port=${1##*:} at=${1%:*}
	case $at in
	'[::]' | '*') at=::1 ;;
	0.0.0.0) at=127.0.0.1 ;;
	esac
	at=${at#[} at=${at%]}
	# shellcheck disable=SC2016 # for the shell over there
	guest timeout 20 bash -c 'exec 3<>"/dev/tcp/$1/$2" && read -r line <&3 && [[ $line == SSH-2.0-* ]]' bash "$at" "$port" 2>/dev/null
}
# answers: those addresses, of all at which it listens. (Where IPv6 is off, it listens at one that nobody reaches.)
answers() {
	local at
	for at in $(listens); do
		! speaks "$at" || echo "$at"
	done
}
# step NAME KEY...: sshd listens where it did, answers where it did, and these keys log in
step() {
	local name=$1 key
	shift
	listens | diff "$BATS_TEST_TMPDIR/listens" - || { echo "after $name sshd listens elsewhere"; return 1; }
	answers | diff "$BATS_TEST_TMPDIR/answers" - || { echo "after $name sshd answers elsewhere"; return 1; }
	for key; do
		login "$GUEST_DIR/keys/$key" ubuntu true || { echo "after $name $key is locked out"; return 1; }
	done
}
# begin KEY...: before the first step
begin() {
	listens >"$BATS_TEST_TMPDIR/listens"
	answers >"$BATS_TEST_TMPDIR/answers"
	[ -s "$BATS_TEST_TMPDIR/answers" ]
	step "the start" "$@"
}
# life KEY...: install, upgrade, purge
life() {
	begin "$@"
	package --install "$PACKAGE"
	step "installing" "$@"
	package --install "$PACKAGE"
	step "an upgrade" "$@"
	package --purge exc-instance-connect
	step "purging" "$@"
}

@test "with pending edits of Port and ListenAddress" {
	for edit in 'Port 2222' 'ListenAddress 192.0.2.1'; do
		sshd_setting "$edit"
		life ordinary-ubuntu
		guest rm /etc/ssh/sshd_config.d/20-other.conf
		sshd_reload
	done
}

@test "with several ports and addresses" {
	sshd_setting "Port 22\nPort 2222\nListenAddress $GUEST_ADDRESS\nListenAddress ::1\nListenAddress 127.0.0.1"
	sshd_reload
	[ "$(listens | wc -l)" -eq 6 ]
	life ordinary-ubuntu
}

@test "where IPv6 is off" {
	guest sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
	sshd_setting 'AddressFamily any\nListenAddress ::\nListenAddress 0.0.0.0'
	sshd_reload
	life ordinary-ubuntu
}

@test "with Match blocks for a port, an address and a user" {
	sshd_setting "Port 22\nPort 2222\nMatch LocalPort 2222\nPubkeyAuthentication no\nMatch LocalAddress $GUEST_ADDRESS\nX11Forwarding no\nMatch User ana\nPermitTTY no"
	sshd_reload
	life ordinary-ubuntu
}

@test "with certificates whose principals a command names" {
	sshd_setting 'TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsCommand /usr/bin/staff-only %%u\nAuthorizedPrincipalsCommandUser nobody'
	sshd_reload
	life ordinary-ubuntu staff
}

@test "with another AuthorizedKeysCommand that was there before, chained or not" {
	sshd_setting 'AuthorizedKeysCommand /usr/bin/other-keys %%u\nAuthorizedKeysCommandUser nobody' 10
	sshd_reload
	life ordinary-ubuntu corporate
	begin ordinary-ubuntu corporate
	package --install "$PACKAGE"
	guest exc-instance-connect sshd enable --chain
	step "chaining" ordinary-ubuntu corporate
	package --install "$PACKAGE"
	step "an upgrade with a chain" ordinary-ubuntu corporate
	package --purge exc-instance-connect
	step "purging with a chain" ordinary-ubuntu corporate
}

@test "with another AuthorizedKeysCommand that comes later, before ours or behind it" {
	for place in 10 70; do
		package --install "$PACKAGE"
		sshd_setting 'AuthorizedKeysCommand /usr/bin/other-keys %%u\nAuthorizedKeysCommandUser nobody' "$place"
		sshd_reload
		begin ordinary-ubuntu
		# Behind ours sshd never runs it, which status names; enable --chain makes both work.
		if [ "$place" = 70 ]; then
			run guest exc-instance-connect sshd status
			[[ "$output" == *"/usr/bin/other-keys"* ]]
			guest exc-instance-connect sshd enable --chain
		fi
		step "its coming" ordinary-ubuntu corporate
		package --install "$PACKAGE"
		step "an upgrade" ordinary-ubuntu corporate
		package --purge exc-instance-connect
		step "purging" ordinary-ubuntu corporate
		guest sh -c 'rm /etc/ssh/sshd_config.d/*-other.conf'
		sshd_reload
	done
}
