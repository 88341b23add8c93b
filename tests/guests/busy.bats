#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Removing the package while many people log in.

load file_machine

LOGINS=50
# sshd turns away at random what is over ten connections that have not logged in yet (MaxStartups).
STARTUPS=100

logged_in() { cat "$BATS_TEST_TMPDIR"/login.* 2>/dev/null | grep -cx in; }
# at_least NUMBER: have so many logged in?
at_least() { [ "$(logged_in)" -ge "$1" ]; }
all_have_ended() { [ "$(cat "$BATS_TEST_TMPDIR"/login.* | grep -c -e '^in$' -e '^out')" -eq "$LOGINS" ]; }
# log_in FROM UNTIL: logins of these numbers with `key`, all at once
log_in() {
	local i
	for ((i = $1; i < $2; i++)); do
		(SSH_OPTIONS=$KNOCK_AGAIN login "$key" ubuntu echo in || echo "out, with status $?") \
			>"$BATS_TEST_TMPDIR/login.$i" 2>&1 3>&- </dev/null &
	done
}

@test "removing it in the middle of $LOGINS parallel logins by ordinary keys fails none of them" {
	guest sh -c "echo 'MaxStartups $STARTUPS' >/etc/ssh/sshd_config.d/10-tests.conf"
	# An edit that sshd has not loaded keeps the package from switching it on.
	guest systemctl reload ssh
	install_package
	guest_trust
	login "$(ask ubuntu)" ubuntu true
	key=$(ordinary_key ubuntu)
	log_in 0 $((LOGINS / 2))
	wait_for at_least 1
	guest dpkg --remove exc-instance-connect 3>&- &
	removal=$!
	# However fast these machines are, half of the logins begin when it has begun to be removed.
	log_in $((LOGINS / 2)) "$LOGINS"
	kill -0 "$removal" # or none of them was in the middle of it
	wait "$removal"
	echo "when it was removed, $(logged_in) of $LOGINS had logged in"
	wait_for all_have_ended
	cat "$BATS_TEST_TMPDIR"/login.* | grep -vx in || true
	[ "$(logged_in)" -eq "$LOGINS" ]
	run guest test -e /usr/bin/exc-instance-connect
	[ "$status" -eq 1 ]
	run login "$(ask ubuntu)" ubuntu true
	[ "$status" -eq 255 ]
}
