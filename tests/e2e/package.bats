#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The Debian package on a stock guest: installing switches one-time keys on, purging leaves no trace.

load file_guest

setup_file() {
	file_guest_start bare
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_key ubuntu
	"$BATS_TEST_DIRNAME/../build-packages" "$GUEST_DIR/packages" >"$GUEST_DIR/build.log" 2>&1 3>&- || {
		tail -n 40 "$GUEST_DIR/build.log"
		return 1
	}
	cd "$GUEST_DIR/packages"
	PACKAGE=$(echo "$GUEST_DIR"/packages/exc-instance-connect_*.deb)
	export PACKAGE
}

setup() {
	file_guest_or_skip
	forget_events
	guest_etc >"$BATS_TEST_TMPDIR/before"
}

teardown() {
	[ -n "${GUEST_DIR-}" ] || return 0
	guest sh -c 'rm -f /etc/ssh/sshd_config.d/*-other.conf'
	sshd_reload
	package --purge exc-instance-connect >/dev/null 2>&1
	login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true
}

package() { guest env DEBIAN_FRONTEND=noninteractive dpkg --force-confnew "$@"; }
ordinary() { login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true; }

@test "installing switches one-time keys on, and ordinary keys work before, during and after" {
	ordinary
	run package --install "$PACKAGE"
	echo "$output"
	[ "$status" -eq 0 ]
	ordinary
	guest_trust
	logs_in_once
	logged_in_once
	guest exc-instance-connect sshd status
	guest grep -q pam_exc_instance_connect /etc/pam.d/common-session # by pam-auth-update
	run guest grep pam_exc_instance_connect /etc/pam.d/sshd # a file of openssh-server's
	[ "$status" -eq 1 ]
}

@test "purging leaves /etc as it was, byte by byte" {
	package --install "$PACKAGE"
	guest_trust
	login "$(ask ubuntu)" ubuntu true
	package --purge exc-instance-connect
	guest_etc | diff "$BATS_TEST_TMPDIR/before" -
	run guest sh -c 'ls -d /run/exc-instance-connect /var/lib/exc-instance-connect /usr/bin/exc-instance-connect 2>/dev/null'
	[ -z "$output" ]
	ordinary
}

@test "purging it on a machine that is a control plane too leaves that one's configuration" {
	package --install "$PACKAGE"
	guest_trust
	guest sh -c 'echo "key_lifetime = 30" >/etc/exc-instance-connect/connectd.conf'
	package --purge exc-instance-connect
	[ "$(guest find /etc/exc-instance-connect -mindepth 1)" = /etc/exc-instance-connect/connectd.conf ]
	guest rm -r /etc/exc-instance-connect
}

@test "installing again after removing switches it on again, with the configuration that was there" {
	package --install "$PACKAGE"
	guest_trust
	package --remove exc-instance-connect
	ordinary
	run login "$(ask ubuntu)" ubuntu true
	[ "$status" -eq 255 ]
	package --install "$PACKAGE"
	login "$(ask ubuntu)" ubuntu true
}

@test "an upgrade keeps it on, and keeps it off where it was switched off" {
	package --install "$PACKAGE"
	guest_trust
	guest touch /etc/pam.d/other # what proves that PAM runs the module is void now, until the upgrade
	package --install "$PACKAGE"
	agent_conf "single_use = pam"
	login "$(ask ubuntu)" ubuntu true
	guest exc-instance-connect sshd disable
	package --install "$PACKAGE"
	run guest exc-instance-connect sshd status
	[ "$status" -eq 1 ]
}

# one_program DIRECTORY: the package as it was when the agent was one program, for a lower version, into DIRECTORY.
# It can do without the others as long as no endpoint is asked.
one_program() {
	dpkg-deb -R "$PACKAGE" "$1/unpacked"
	sed -i 's/^Version: .*/&~previous/' "$1/unpacked/DEBIAN/control"
	mv "$1/unpacked/usr/libexec/exc-instance-connect/agent" "$1/unpacked/usr/bin/exc-instance-connect"
	rm -r "$1/unpacked/usr/libexec"
	dpkg-deb --root-owner-group -b "$1/unpacked" "$1" >/dev/null
}

@test "an upgrade from one program to three lets everybody in while only some of them are there" {
	one_program "$BATS_TEST_TMPDIR"
	package --install "$(echo "$BATS_TEST_TMPDIR"/*.deb)"
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/corporate"
	guest install -m 0644 "$GUEST_DIR/keys/corporate.pub" /usr/share/corporate-keys
	printf '#!/bin/sh\ncat /usr/share/corporate-keys\n' >"$GUEST_DIR/other"
	guest install -m 0755 "$GUEST_DIR/other" /usr/bin/other-keys
	guest_trust
	agent_conf 'next_command = /usr/bin/other-keys %u'
	login "$GUEST_DIR/keys/corporate" ubuntu true

	# dpkg stops when it has put each of these in place.
	libexec=/usr/libexec/exc-instance-connect
	guest env DEBIAN_FRONTEND=noninteractive strace -qq -o /dev/null -e trace=rename -e inject=rename:signal=SIGSTOP \
		-P /usr/bin/exc-instance-connect.dpkg-new -P "$libexec/agent.dpkg-new" dpkg --install "$PACKAGE" \
		>"$BATS_TEST_TMPDIR/dpkg.log" 2>&1 3>&- </dev/null &
	wait_for dpkg_is_between /usr/bin/exc-instance-connect "$libexec/agent"
	ordinary
	dpkg_is_between /usr/bin/exc-instance-connect "$libexec/agent"
	login "$GUEST_DIR/keys/corporate" ubuntu true 3>&- &
	login=$!
	wait_for guest pgrep -x exc-instance-co
	dpkg_goes_on
	wait "$login"
	wait_for dpkg_is_between "$libexec/agent" "$libexec/fetch"
	ordinary
	login "$GUEST_DIR/keys/corporate" ubuntu true
	dpkg_is_between "$libexec/agent" "$libexec/fetch"
	dpkg_goes_on
	wait_for dpkg_has_ended
	[ "$(guest dpkg-query -W -f '${Version} ${db:Status-Status}' exc-instance-connect)" = \
		"$(dpkg-deb -f "$PACKAGE" Version) installed" ]
	login "$(ask ubuntu)" ubuntu true
}
# dpkg_is_between FILE NEXT: it has put the one in place, and not yet the other
dpkg_is_between() { guest test ! -e "$1.dpkg-new" -a -e "$2.dpkg-new"; }
dpkg_goes_on() { guest pkill -CONT -x dpkg; }
dpkg_has_ended() { ! guest pgrep -x dpkg; }

@test "a key that was spent stays spent when the package is upgraded, removed or purged, and installed again" {
	package --install "$PACKAGE"
	guest_trust
	key=$(ask ubuntu)
	login "$key" ubuntu true
	for way in --install --remove --purge; do
		[ "$way" = --install ] || package "$way" exc-instance-connect
		package --install "$PACKAGE"
		# guest_trust would wait until the ledger is old enough.
		guest install -m 0644 /dev/stdin /etc/exc-instance-connect/trust.d/operator.pem <"$GUEST_DIR/operator.pem"
		agent_conf
		forget_events
		run login "$key" ubuntu true
		events EVENT REASON
		[ "$status" -eq 255 ]
		[[ "$(events EVENT)" != *offered* ]]
	done
	wait_for ledger_is_sure
	login "$(ask ubuntu)" ubuntu true
}

@test "an AuthorizedKeysCommand of somebody else stays, and the package says what to do" {
	other_command
	run package --install "$PACKAGE"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"another AuthorizedKeysCommand, and nothing was changed"* ]]
	[[ "$output" == *"to switch it on later, run: exc-instance-connect sshd enable"* ]]
	run guest ls /etc/ssh/sshd_config.d/60-exc-instance-connect.conf
	[ "$status" -ne 0 ]
	ordinary
}

@test "a chained command is chained again when the package is installed again" {
	other_command
	package --install "$PACKAGE"
	guest_trust
	guest exc-instance-connect sshd enable --chain
	login "$(ask ubuntu)" ubuntu true
	package --remove exc-instance-connect
	[ "$(sshd_command)" = "authorizedkeyscommand /bin/true %u" ]
	package --install "$PACKAGE"
	login "$(ask ubuntu)" ubuntu true
	guest grep -q '^next_command = /bin/true %u' /etc/exc-instance-connect/agent.conf
}

@test "with an edit that sshd has not read, installing leaves sshd alone and says what is left to do" {
	sshd_setting 'Port 2222'
	pid=$(guest cat /run/sshd.pid)
	run package --install "$PACKAGE"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"20-other.conf was edited after sshd loaded it, and nothing was changed"*"to switch it on later, run: exc-instance-connect sshd enable"* ]]
	[ "$(guest cat /run/sshd.pid)" = "$pid" ]
	ordinary
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	sshd_reload
	guest exc-instance-connect sshd enable
	guest_trust
	login "$(ask ubuntu)" ubuntu true
}

@test "with an edit that sshd has not read, removing leaves sshd alone, and everybody's way in" {
	package --install "$PACKAGE"
	sshd_setting 'Port 2222'
	pid=$(guest cat /run/sshd.pid)
	run package --purge exc-instance-connect
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"20-other.conf was edited after sshd loaded it"* ]]
	[ "$(guest cat /run/sshd.pid)" = "$pid" ]
	ordinary
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	guest_etc | diff "$BATS_TEST_TMPDIR/before" -
}

@test "where sshd's configuration was broken before, installing says so and changes nothing in it" {
	sshd_mistake
	run package --install "$PACKAGE"
	echo "$output"
	guest sh -c 'rm /etc/ssh/sshd_config.d/20-other.conf'
	[ "$status" -eq 0 ]
	[[ "$output" == *"already broken, and nothing was changed"*"NoSuchKeyword"* ]]
}

@test "while only the agent runs a chained command, a broken configuration of sshd keeps the package" {
	other_command
	package --install "$PACKAGE"
	guest exc-instance-connect sshd enable --chain
	sshd_mistake
	run package --remove exc-instance-connect
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"is not removed, because only it runs the next_command"*"fix what sshd -t reports"* ]]
	guest test -x /usr/bin/exc-instance-connect
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	sshd_reload
	guest exc-instance-connect sshd status
	package --remove exc-instance-connect
	[ "$(sshd_command)" = "authorizedkeyscommand /bin/true %u" ]
}

@test "with a configuration of sshd that was broken since, purging still leaves no trace" {
	package --install "$PACKAGE"
	sshd_mistake
	run package --purge exc-instance-connect
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"still wired to exc-instance-connect, which is harmless"* ]]
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	guest_etc | diff "$BATS_TEST_TMPDIR/before" -
}

@test "where sshd is gone, removing takes its wiring too, so that it does not come back to a missing agent" {
	other_command
	package --install "$PACKAGE"
	guest exc-instance-connect sshd enable --chain
	guest mv /usr/sbin/sshd /usr/sbin/sshd.gone
	run package --force-depends --remove exc-instance-connect
	guest mv /usr/sbin/sshd.gone /usr/sbin/sshd
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(sshd_command)" = "authorizedkeyscommand /bin/true %u" ]
	sshd_reload
	ordinary
}

@test "removing it in the middle of fifty logins fails none of them" {
	package --install "$PACKAGE"
	guest_trust
	for i in $(seq 50); do
		(ordinary && echo in || echo out) >"$BATS_TEST_TMPDIR/login.$i" 2>&1 3>&- &
		if [ "$i" -eq 25 ]; then
			package --remove exc-instance-connect 3>&- &
			remover=$!
		fi
	done
	wait_for sh -c "[ \$(cat $BATS_TEST_TMPDIR/login.* | wc -l) -ge 50 ]"
	[ "$(cat "$BATS_TEST_TMPDIR"/login.* | sort | uniq -c | tr -s ' ')" = " 50 in" ]
	wait "$remover"
	run guest test -e /usr/bin/exc-instance-connect
	[ "$status" -ne 0 ]
}

@test "installing into an image that is being made, without /proc and where sshd never ran, wires it" {
	run guest env DEBIAN_FRONTEND=noninteractive unshare --mount sh -c \
		"umount -l /proc && rm -rf /run/sshd && dpkg --install $PACKAGE"
	echo "$output"
	[ "$status" -eq 0 ]
	guest exc-instance-connect sshd status
}

@test "our units are allowed nothing that they do not need, and are switched on" {
	package --install "$PACKAGE"
	for unit in report.service report.path report.timer host-keys.service host-keys.path; do
		guest systemd-analyze verify "/lib/systemd/system/exc-instance-connect-$unit"
	done
	# 2.0 is what they may have.
	for unit in report host-keys; do
		guest systemd-analyze security --offline=true --threshold=20 "exc-instance-connect-$unit.service"
	done
	for unit in report.path host-keys.path host-keys.service; do
		guest test -e "/etc/systemd/system/multi-user.target.wants/exc-instance-connect-$unit"
	done
	guest test -e /etc/systemd/system/timers.target.wants/exc-instance-connect-report.timer
}

@test "journalctl -x explains every event" {
	package --install "$PACKAGE"
	guest journalctl --update-catalog
	for id in $(sed -n 's/.*"\([0-9a-f]\{32\}\)".*/\1/p' "$BATS_TEST_DIRNAME/../../src/ledger/journal.c"); do
		guest journalctl --dump-catalog "$id" | grep -q 'Defined-By: exc-instance-connect'
	done
	guest_trust
	login "$(ask ubuntu)" ubuntu true
	guest journalctl --sync
	guest journalctl -x --no-pager EXC_EVENT=used >"$BATS_TEST_TMPDIR/explained"
	cat "$BATS_TEST_TMPDIR/explained"
	grep -q "user:ana has logged in as ubuntu from $OPERATOR_ADDRESS with a one-time key" "$BATS_TEST_TMPDIR/explained"
}

@test "the three programs are root's, and their libraries come with the package" {
	for program in bin/exc-instance-connect libexec/exc-instance-connect/agent libexec/exc-instance-connect/fetch; do
		dpkg-deb --fsys-tarfile "$PACKAGE" | tar -tv | grep -E "^-rwxr-xr-x root/root .* \./usr/$program\$"
	done
	depends=$(dpkg-deb -f "$PACKAGE" Depends)
	[[ "$depends" == *libcurl4* ]]
	[[ "$depends" != *libevent* ]]
}

@test "make uninstall leaves nothing of ours behind" {
	make -C "$EXC_BUILD" install DESTDIR="$BATS_TEST_TMPDIR/root" >/dev/null
	[ -n "$(find "$BATS_TEST_TMPDIR/root" -path '*/libexec/exc-instance-connect/fetch')" ]
	make -C "$EXC_BUILD" uninstall DESTDIR="$BATS_TEST_TMPDIR/root" >/dev/null
	find "$BATS_TEST_TMPDIR/root" ! -type d -o -path '*/exc*' ! -path '*/share/doc/*' >"$BATS_TEST_TMPDIR/left"
	cat "$BATS_TEST_TMPDIR/left"
	[ ! -s "$BATS_TEST_TMPDIR/left" ]
}

@test "lintian has nothing to say" {
	# It leaves files behind.
	TMPDIR=$BATS_TEST_TMPDIR lintian --pedantic --fail-on error,warning,pedantic "$GUEST_DIR"/packages/*.changes
}
