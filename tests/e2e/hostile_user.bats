#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Somebody else has a hand in /run or /tmp, or runs at the same instant: ordinary logins work, and one key opens
# one session at most.

load file_guest

AGENTS=8
# More keys than one run of the agent sweeps
OLD_KEYS=40
LOGINS=10

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_key ubuntu
}

setup() {
	file_guest_ready
	ledger_of_an_hour
}

teardown() {
	[ -z "${GUEST_DIR-}" ] || guest sh -c "rm -rf $LEDGER /run/elsewhere; systemd-tmpfiles --create exc-instance-connect.conf"
}

# nothing_offered: a one-time key opens nothing, an ordinary one does, and the journal has the reason
nothing_offered() {
	local key
	key=$(ask ubuntu)
	run login "$key" ubuntu true
	[ "$status" -eq 255 ]
	login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true
	events EVENT REASON
	[ "$(events EVENT REASON | sort -u)" = "problem ledger_unavailable" ]
}

@test "a ledger that is a link is not followed" {
	guest install -d -m 0700 -o exc-instance-connect -g exc-instance-connect /run/elsewhere
	guest sh -c "rm -r $LEDGER && ln -s /run/elsewhere $LEDGER"
	nothing_offered
	[ -z "$(guest ls /run/elsewhere)" ]
}

@test "marks, and entries of connections, are not followed where they are links" {
	for part in used bound connections; do
		guest install -d -m 0700 -o exc-instance-connect -g exc-instance-connect /run/elsewhere
		guest sh -c "rm -rf $LEDGER/$part && ln -s /run/elsewhere $LEDGER/$part"
		nothing_offered
		[ -z "$(guest ls /run/elsewhere)" ]
		guest rm "$LEDGER/$part"
		ledger_of_an_hour
		forget_events
	done
}

@test "a ledger that belongs to somebody else is not used" {
	guest sh -c "rm -r $LEDGER && install -d -m 0700 -o ana -g ana $LEDGER"
	nothing_offered
	[ -z "$(guest ls $LEDGER)" ]
}

# Until it is ended: everything that a user without rights can try against our names
race_as_ana() {
	guest setpriv --reuid ana --regid ana --clear-groups bash -c '
		while :; do
			for name in exc-instance-connect exc-instance-connect/used exc-instance-connect/endpoint.failures; do
				for folder in /run /tmp /var/lib /dev/shm; do
					ln -sfn /etc/passwd "$folder/$name"
					mkdir "$folder/$name"
					: >"$folder/$name/x"
					chmod 0777 "$folder/$name"
					mv "$folder/$name" "$folder/$name.away"
					rm -rf "$folder/$name" "$folder/$name.away"
				done
			done
			echo round
		done' 2>/dev/null
}

@test "while a hostile user races in /run and /tmp, every key logs in, and each once" {
	race_as_ana >"$BATS_TEST_TMPDIR/rounds" 3>&- &
	racer=$!
	wait_for grep -q round "$BATS_TEST_TMPDIR/rounds"
	first=0 replayed=0
	for ((i = 0; i < LOGINS; i++)); do
		key=$(ask ubuntu)
		login "$key" ubuntu true && first=$((first + 1))
		login "$key" ubuntu true 2>/dev/null && replayed=$((replayed + 1))
	done
	guest pkill -u ana
	wait "$racer" || true
	[ "$first" -eq "$LOGINS" ]
	[ "$replayed" -eq 0 ]
	[ "$(events EVENT | sort | uniq -c | tr -s ' ')" = " $LOGINS offered
 $LOGINS replayed
 $LOGINS used" ]
	[ -z "$(guest find $LEDGER -user ana)" ]
	[ "$(guest stat -c '%U %a' $LEDGER)" = "exc-instance-connect 700" ]
}

# What connections that are gone have left, and marks of long ago
old_entries() {
	# shellcheck disable=SC2016 # for the shell over there
	as_agent sh -euc '
		for i in $(seq "$1"); do
			mkdir -m 0700 "$2/connections/$((9000000 + i))"
			: >"$2/connections/$((9000000 + i))/$(printf %064d "$i")"
			: >"$2/used/$(printf %064d "$i")"
			touch -d @0 "$2/used/$(printf %064d "$i")"
		done' sh "$OLD_KEYS" "$LEDGER"
}

@test "$AGENTS agents at the same instant, each sweeping, offer the key, and it opens one session" {
	key=$(ask ubuntu)
	public=$(ssh-keygen -y -f "$key" | cut -d' ' -f1,2)
	fingerprint=$(jq -r .fingerprint "$key.answer")
	old_entries
	# shellcheck disable=SC2086,SC2016 # type and key are two arguments; for the shell over there
	as_sshd bash -c '
		for ((i = 0; i < $1; i++)); do
			/usr/bin/exc-instance-connect authorized-keys ubuntu "$2" "$3" "$4" &
		done
		wait' bash "$AGENTS" "$fingerprint" $public >"$BATS_TEST_TMPDIR/said"
	[ "$(grep -cxF "$public" "$BATS_TEST_TMPDIR/said")" -eq "$AGENTS" ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/said")" -eq "$AGENTS" ]
	hash=$(cut -d' ' -f2 <<<"$public" | base64 -d | sha256sum | cut -d' ' -f1)
	[ "$(guest sh -c "ls -d $LEDGER/connections/*/$hash | wc -l")" -eq 1 ]
	login "$key" ubuntu true
	run login "$key" ubuntu true
	[ "$status" -eq 255 ]
	# They did sweep.
	guest ls "$LEDGER/connections" | grep -c '^9000' >"$BATS_TEST_TMPDIR/left" || true
	[ "$(<"$BATS_TEST_TMPDIR/left")" -lt "$OLD_KEYS" ]
	login "$(ask ubuntu)" ubuntu true
}
