#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Where the repository has the operator's trust anchor, installing the agent is all that a guest needs. The tests are
# one story and follow each other.

load file_machine

HEADING="Hand out the trust anchor with the packages"
TRUST=/etc/exc-instance-connect/trust.d/exc-instance-connect-operator.pem

# What is left to do without the operator's package
TRUST_COMMAND="install -D -m 0644 operator.pem /etc/exc-instance-connect/trust.d/operator.pem && exc-instance-connect doctor"

setup_file() {
	file_machine_allowed || return 0
	machine_start
	# Not the default: only the operator's package tells a guest this address.
	connectd_stop
	sed -i "s/^metadata_listen = .*/metadata_listen = $OPERATOR_ADDRESS:80/" "$GUEST_DIR/connectd.conf"
	connectd_start
	operator_add "$GUEST_DIR/operator.pem"
	# What this machine's own SMBIOS says is not for the guest.
	guest sh -c 'for tag in /sys/class/dmi/id/*_asset_tag; do [ ! -e "$tag" ] || mount --bind /dev/null "$tag"; done'
	guest apt-get -q update
	guest apt-get -q -y install curl gpg
	guest_etc >"$GUEST_DIR/etc"
}

teardown() {
	[ -z "${GUEST_DIR-}" ] || login "$(ordinary_key ubuntu)" ubuntu true
}

# operator_add FILE...: a newer package of the operator's in the repository, with these keys
operator_add() {
	local options=() file
	for file; do
		options+=(--operator "$file")
	done
	# The default is too coarse: a second is long for a test.
	repository_build "${options[@]}" --metadata-url "http://$OPERATOR_ADDRESS" --operator-version "$(date +%s.%N)"
}

# cloud_init ID: what it leaves behind after it has read a disk
cloud_init() {
	guest sh -euc 'mkdir -p /var/lib/cloud/data /var/lib/cloud/instances/i
		ln -sfn /var/lib/cloud/instances/i /var/lib/cloud/instance
		echo "$0" >/var/lib/cloud/data/instance-id
		echo "DataSourceNoCloud: DataSourceNoCloud [seed=/dev/sr0][dsmode=net]" >/var/lib/cloud/instance/datasource' "$1"
}

apt_install() { guest env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" 2>&1; }
one_time() {
	wait_for ledger_is_sure
	login "$(ask ubuntu)" ubuntu true
}
# Everything that the two packages have in /etc
ours() { guest sh -c 'cd /etc/exc-instance-connect && find . ! -name pam.wired -type f -exec sha256sum {} + | sort'; }
purge_both() { apt_install purge exc-instance-connect exc-instance-connect-operator; }
host_keys_are_published() {
	guest journalctl -b -q --no-pager -u exc-instance-connect-host-keys | grep -q "published to http://$OPERATOR_ADDRESS"
}

@test "where a guest cannot prove which instance it is, installing ends with the one command left, which makes it work" {
	run documented "$HEADING" 2
	echo "$output"
	[ "$status" -eq 0 ]
	command=${lines[-1]%$'\r'} # apt gives dpkg a terminal
	[ "$command" = 'echo "ID $(cat /etc/machine-id)" >/var/lib/exc-instance-connect/instance-id && exc-instance-connect doctor' ]
	[ "$(grep -c "do not log in yet" <<<"$output")" -eq 1 ]
	run one_time
	[ "$status" -eq 255 ]
	guest sh -c "${command/ID/42}"
	forget_events
	one_time
}

@test "purging both as documented leaves /etc as it was, byte by byte" {
	documented "Install from a repository" 2
	guest_etc | diff "$GUEST_DIR/etc" -
	guest test ! -e /var/lib/exc-instance-connect
}

@test "the documented sequence ends in a one-time key's login without another step" {
	cloud_init 42
	run documented "$HEADING" 2
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" != *"do not log in yet"* ]]
	one_time
	wait_for host_keys_are_published
	guest exc-instance-connect doctor
	ours >"$GUEST_DIR/ours"
}

@test "a newer package with a second anchor comes by apt upgrade, and then the new key signs" {
	openssl genpkey -algorithm ed25519 -out "$GUEST_DIR/next-key.pem"
	openssl pkey -in "$GUEST_DIR/next-key.pem" -pubout -out "$GUEST_DIR/next.pem"
	operator_add "$GUEST_DIR/operator.pem" "$GUEST_DIR/next.pem"
	guest apt-get -q update
	apt_install upgrade
	forget_events
	one_time # with the old key
	connectd_stop
	sed -i "s|^signing_key = .*|signing_key = $GUEST_DIR/next-key.pem|" "$GUEST_DIR/connectd.conf"
	connectd_start
	one_time
	# And without the first one.
	operator_add "$GUEST_DIR/next.pem"
	guest apt-get -q update
	apt_install upgrade
	[ "$(guest cat "$TRUST")" = "$(cat "$GUEST_DIR/next.pem")" ]
	one_time
	ours >"$GUEST_DIR/ours"
}

@test "purging the agent leaves what the operator's package has, and the agent finds it when it comes back" {
	apt_install purge exc-instance-connect
	ours | diff "$GUEST_DIR/ours" -
	run apt_install install exc-instance-connect
	echo "$output"
	[[ "$output" != *"do not log in yet"* ]]
	one_time
}

@test "purging the operator's package takes its files away, and ordinary keys go on" {
	apt_install purge exc-instance-connect-operator
	guest test ! -e "$TRUST"
	guest test ! -e /etc/exc-instance-connect/operator.conf
	run guest exc-instance-connect doctor --next
	[ "$status" -eq 2 ]
	[ "${lines[-1]}" = "$TRUST_COMMAND" ]
	run one_time
	[ "$status" -eq 255 ]
}

@test "whichever of the two packages comes first, the result is the same" {
	for order in "exc-instance-connect-operator exc-instance-connect" "exc-instance-connect exc-instance-connect-operator"; do
		purge_both
		for package in $order; do
			run apt_install --no-install-recommends install "$package"
			echo "$output"
			[ "$status" -eq 0 ]
			[ "$order" != "$package exc-instance-connect-operator" ] || [ "${lines[-1]%$'\r'}" = "$TRUST_COMMAND" ]
		done
		[[ "$output" != *"do not log in yet"* ]]
		ours | diff "$GUEST_DIR/ours" -
		one_time
	done
	purge_both
	guest test ! -e /etc/exc-instance-connect
}
