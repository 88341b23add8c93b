#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A stock Debian, as docs/install.md says it: installed from a repository, used, rebooted, upgraded, removed and
# purged. The tests are one story and follow each other; in all of it, ordinary keys log in.

load file_machine

setup_file() {
	file_machine_allowed || return 0
	packages_ready
	previous_version "$BATS_FILE_TMPDIR/previous"
	machine_start "$BATS_FILE_TMPDIR/previous"
	guest_etc >"$GUEST_DIR/etc"
	packages >"$GUEST_DIR/packages"
}

setup() {
	file_machine_ready
	watch_ordinary_logins
}

teardown() {
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_logins_never_failed
}

# receipt_has_come KEY: does the control plane's audit trail say once that this key was used?
receipt_has_come() {
	connectd audit --json | jq -e --arg fingerprint "$(jq -r .fingerprint "$1.answer")" \
		'[.[] | select(.event == "used" and .fingerprint == $fingerprint)] | length == 1' >/dev/null
}

packages() { guest dpkg-query -W -f '${Package}\n' | sort; }

version() { guest dpkg-query -W -f '${Version}' exc-instance-connect; }

@test "the documented sequence installs it on a stock guest and switches it on" {
	run guest test -e /usr/bin/exc-instance-connect
	[ "$status" -eq 1 ]
	documented "Install from a repository" 1
	guest exc-instance-connect sshd status
	guest dpkg --verify exc-instance-connect
}

@test "a one-time key logs in once, and is refused the second time" {
	guest_trust
	key=$(ask ubuntu)
	[ "$(login "$key" ubuntu id -un)" = ubuntu ]
	run login "$key" ubuntu true
	[ "$status" -eq 255 ]
	# Nothing was offered the second time: the control plane had the receipt, and served the grant no more;
	# or the agent saw in the ledger that the key is spent.
	[ "$(events EVENT | grep -vx replayed)" = "offered
used" ]
	wait_for receipt_has_come "$key"
}

@test "doctor finds everything good" {
	guest exc-instance-connect doctor
}

@test "after a reboot a fresh key logs in, and a key from before does not" {
	ordinary_logins_never_failed # sshd is off for a while
	before=$(ask ubuntu)
	machine_reboot
	watch_ordinary_logins
	login "$(ask ubuntu)" ubuntu true
	run login "$before" ubuntu true
	[ "$status" -eq 255 ]
	[ "$(events EVENT REASON | grep -e offered -e used -e refused)" = "offered -
used -
refused issued_before_boot" ]
	guest exc-instance-connect doctor
}

@test "an upgrade leaves an open session open, and one-time keys on" {
	open_session "$(ask ubuntu)" ubuntu
	[[ "$(version)" == *~previous ]]
	repository_add "$EXC_PACKAGES"
	guest apt update
	yes | guest apt upgrade
	[ "$(version)" = "$(dpkg-deb -f "$(package_file "$EXC_PACKAGES")" Version)" ]
	[ "$(in_session id -un)" = ubuntu ]
	login "$(ask ubuntu)" ubuntu true
	guest exc-instance-connect doctor
	close_session
}

@test "removing it leaves sshd as it was, and its configuration" {
	yes | guest apt remove exc-instance-connect
	run login "$(ask ubuntu)" ubuntu true
	[ "$status" -eq 255 ]
	guest test -e /etc/exc-instance-connect/trust.d/operator.pem
	yes | guest apt install exc-instance-connect
	login "$(ask ubuntu)" ubuntu true
}

@test "purging it as documented leaves /etc as it was, byte by byte" {
	documented "Install from a repository" 2
	# Libraries that something else here recommends (systemd, on testing) are not for apt to remove.
	kept=$(packages | comm -13 "$GUEST_DIR/packages" -)
	[[ "$kept" != *exc-* ]]
	[ -z "$kept" ] || guest apt-get -q -y purge $kept
	guest_etc | diff "$GUEST_DIR/etc" -
	run guest sh -c 'ls -d /usr/bin/exc-instance-connect /var/lib/exc-instance-connect /run/exc-instance-connect'
	[ -z "$(grep -v "No such file" <<<"$output")" ]
	run guest getent passwd exc-instance-connect
	[ "$status" -eq 2 ]
	[ "$(guest systemctl is-system-running)" = running ]
}
