#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The guest's clock is wrong: with the endpoint's signed time a fresh key logs in all the same and an old
# one does not; without it, the refusal says how far the clock is off. The agent's clock is libfaketime's.

load file_guest

DAY=86400
# Seconds that two readings of one clock may lie apart on a busy machine
SLACK=20
LIBFAKETIME=$(dpkg -L libfaketime 2>/dev/null | grep '/libfaketime\.so')

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	# Whoever runs the agent, sshd or root, runs it by the clock that /run/clock names.
	guest mv /usr/bin/exc-instance-connect /usr/bin/exc-instance-connect.real
	guest install -m 0755 /dev/stdin /usr/bin/exc-instance-connect <<-END
		#!/bin/sh
		[ ! -e /run/clock ] || . /run/clock
		[ -z "\${FAKETIME-}" ] || export FAKETIME LD_PRELOAD=$LIBFAKETIME TZ=UTC \
			FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
		exec /usr/bin/exc-instance-connect.real "\$@"
	END
	guest install -d -m 1777 /run/steps
	old_key >"$GUEST_DIR/old"
	ordinary_key ubuntu
	# The first run, by the right clock: from then on the agent knows since when there is the ledger.
	first_run
}

setup() {
	file_guest_ready
	[ -n "$LIBFAKETIME" ] || skip "there is no libfaketime"
	guest rm -f /run/clock
	forget_time
}

# What the agent knows of the time from earlier answers, as after a boot
forget_time() { guest rm -f /run/exc-instance-connect/vouched /run/exc-instance-connect/unvouched; }

# Somebody comes with a key that nobody asked for.
first_run() { agent authorized-keys ubuntu SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU; }

# clock LINE...: shell that sets the agent's clock, before each of its runs
clock() { printf '%s\n' "$@" | guest install -m 0644 /dev/stdin /run/clock; }

# A clock that is slow at sshd's first question of a connection and fast at its second
steps() { clock "FAKETIME=+1d" "mkdir /run/steps/\$PPID 2>/dev/null && FAKETIME=-1d"; }
# A clock that steps while the agent runs
steps_midway() { clock "FAKETIME=$1" "export FAKETIME_START_AFTER_NUMCALLS=1"; }

# By the agent's clock, seconds that it is before the operator's; negative when it is behind
clock_is_off() {
	local seen
	seen=$(guest sh -c '. /run/clock; export FAKETIME; LD_PRELOAD=$0 TZ=UTC date +%s' "$LIBFAKETIME")
	echo $((seen - $(date +%s)))
}

# A key that has expired and that the endpoint serves all the same: the grant itself says when it ends.
old_key() {
	local key expires
	sed -i 's/^key_lifetime.*/key_lifetime = 5/' "$GUEST_DIR/connectd.conf"
	connectd_stop && connectd_start
	key=$(ask ubuntu)
	sed -i 's/^key_lifetime.*/key_lifetime = 60/' "$GUEST_DIR/connectd.conf"
	connectd_stop && connectd_start
	expires=$(date -d "$(jq -r .expires_at "$key.answer")" +%s)
	is_expired() { [ "$(date +%s)" -gt "$expires" ]; }
	wait_for is_expired
	sqlite3 "$GUEST_DIR/connectd.db" "UPDATE grants SET expires = expires + $DAY"
	echo "$key"
}

# fresh_in_old_out: by this clock, whatever it is
fresh_in_old_out() {
	forget_time
	[ "$(login "$(ask ubuntu)" ubuntu echo in)" = in ]
	forget_events
	run login "$(<"$GUEST_DIR/old")" ubuntu echo in
	[ "$status" -eq 255 ]
	[ "$(events EVENT REASON | sort -u)" = "refused expired" ]
	# Nor when nothing was vouched for before
	forget_time
	forget_events
	run login "$(<"$GUEST_DIR/old")" ubuntu echo in
	[ "$status" -eq 255 ]
	[ "$(events EVENT REASON | sort -u)" = "refused expired" ]
}

# answer_for KEY [JQ]: what the endpoint answers, for another request than the one that comes
answer_for() {
	guest curl -s -G -H 'X-Exc-Metadata: 1' --data-urlencode "fingerprint=$(jq -r .fingerprint "$1.answer")" \
		-d user=ubuntu -d nonce=0123456789abcdef "http://$METADATA_ADDRESS/v1/instance-connect/grants" |
		jq -e "${2-.}" >"$BATS_TEST_TMPDIR/answer"
	jq -e '.grants | length == 1' "$BATS_TEST_TMPDIR/answer" >/dev/null
}

# refused_by_answer KEY: the endpoint gives that answer; the key does not log in, and an ordinary one does
refused_by_answer() {
	endpoint_start answer "$BATS_TEST_TMPDIR/answer"
	run login "$1" ubuntu echo in
	ordinary=$(login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu echo in)
	guest exc-instance-connect doctor --json >"$BATS_TEST_TMPDIR/doctor" || true
	endpoint_stop
	[ "$status" -eq 255 ]
	[ "$ordinary" = in ]
}

# texts: what people read in the journal
texts() { journal SYSLOG_IDENTIFIER=exc-instance-connect | jq -r .MESSAGE; }

# skew_said PATTERN SECONDS: does a text of standard input name SECONDS, about, where PATTERN has (N)?
skew_said() {
	local said
	said=$(sed -nE "s|.*$1.*|\1|p" | head -1)
	echo "said $said, expected $2"
	[ -n "$said" ] && [ "$said" -ge $(($2 - SLACK)) ] && [ "$said" -le $(($2 + SLACK)) ]
}

finding() { jq -r '.findings[] | select(.name == "clock") | "\(.level): \(.text)|\(.mend)"' "$BATS_TEST_TMPDIR/doctor"; }

@test "the clock that these tests set is the one that the agent sees" {
	clock "FAKETIME=-1d"
	off=$(clock_is_off)
	[ "$off" -ge $((-DAY - SLACK)) ] && [ "$off" -le $((-DAY + SLACK)) ]
	# and neither the clock that nobody can set nor the dates of files
	run guest sh -c '. /run/clock; export FAKETIME FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1; touch /run/now
		LD_PRELOAD=$0 stat -c %Y /run/now; stat -c %Y /run/now
		LD_PRELOAD=$0 python3 -c "import time; print(int(time.clock_gettime(time.CLOCK_BOOTTIME)))"
		cut -d. -f1 /proc/uptime' "$LIBFAKETIME"
	echo "$output"
	[ "${lines[0]}" = "${lines[1]}" ]
	[ $((lines[3] - lines[2])) -le "$SLACK" ]
}

@test "with the clock right a fresh key logs in, and an old one does not" { fresh_in_old_out; }

@test "with the clock a day slow a fresh key logs in, and an old one does not" {
	clock "FAKETIME=-1d"
	fresh_in_old_out
}

@test "with the clock a day fast a fresh key logs in, and an old one does not" {
	clock "FAKETIME=+1d"
	fresh_in_old_out
}

@test "with the clock in 1970 a fresh key logs in, and an old one does not" {
	clock 'FAKETIME="@1970-01-01 00:10:00"'
	fresh_in_old_out
}

@test "with the clock stepping during the handshake a fresh key logs in, and an old one does not" {
	steps
	fresh_in_old_out
	[ -n "$(guest ls /run/steps)" ]
}

@test "with the clock stepping while the agent runs a fresh key logs in, and an old one does not" {
	for step in +1d -1d; do
		steps_midway "$step"
		fresh_in_old_out
	done
}

@test "with the clock set back to when an old key was good, it does not log in" {
	issued=$(date -d "$(jq -r .expires_at "$(<"$GUEST_DIR/old").answer")" +%s)
	clock "FAKETIME=$((issued - 3 - $(date +%s)))"
	fresh_in_old_out
}

@test "a clock that was set ahead since the boot keeps nobody out" {
	guest rm "$LEDGER/used/made" "$LEDGER/bound/made"
	clock "FAKETIME=+1d"
	fresh_in_old_out
}

@test "a clock that was set back since the boot costs one key, and says to ask for another" {
	guest rm "$LEDGER/used/made" "$LEDGER/bound/made"
	clock "FAKETIME=-1d"
	run login "$(ask ubuntu)" ubuntu echo in
	[ "$status" -eq 255 ]
	[ "$(events EVENT REASON)" = "refused issued_before_ledger" ]
	texts | grep "ask for a new key"
	wait_for ledger_is_sure
	fresh_in_old_out
	# As it was, for the tests that come
	guest rm "$LEDGER/used/made" "$LEDGER/bound/made"
	clock
	first_run
}

@test "an old answer, with the time that was signed for it, revives no old key" {
	old=$(<"$GUEST_DIR/old")
	issued=$(date -d "$(jq -r .expires_at "$old.answer")" +%s)
	answer_for "$old"
	jq -e .time "$BATS_TEST_TMPDIR/answer" >/dev/null
	# By this clock the key is good, and nothing was vouched for since the boot.
	clock "FAKETIME=$((issued - 3 - $(date +%s)))"
	refused_by_answer "$old"
	events EVENT REASON
	[ "$(events EVENT REASON | sort -u)" = "problem signed_time_invalid
refused wrong_nonce" ]
}

@test "grants from which somebody took the signed time are refused, whatever the clock" {
	old=$(<"$GUEST_DIR/old")
	issued=$(date -d "$(jq -r .expires_at "$old.answer")" +%s)
	for key in "$old" "$(ask ubuntu)"; do
		answer_for "$key" 'del(.time)'
		# By this clock the old key is good, and nothing was vouched for since the boot.
		clock
		[ "$key" != "$old" ] || clock "FAKETIME=$((issued - 3 - $(date +%s)))"
		forget_events
		refused_by_answer "$key"
		[ "$(events EVENT USER REASON)" = "refused ubuntu time_missing" ]
		texts | grep "have the endpoint sign it, see signed_time in exc-instance-connect.conf(5)"
		finding
		[[ "$(finding)" == "warning: "*"without a signed time"*"(time_missing)|"*"signed_time = no"* ]]
	done
	# A time that is not a string does not count as one.
	jq '.time = null' "$BATS_TEST_TMPDIR/answer" >"$BATS_TEST_TMPDIR/null"
	mv "$BATS_TEST_TMPDIR/null" "$BATS_TEST_TMPDIR/answer"
	forget_events
	refused_by_answer "$key"
	[ "$(events EVENT REASON)" = "refused time_missing" ]
}

@test "an answer without grants needs no signed time" {
	echo '{"instance_id":"42","grants":[]}' >"$BATS_TEST_TMPDIR/answer"
	refused_by_answer "$(ask ubuntu)"
	[ -z "$(events)" ]
}

@test "without the signed time that there was before, no old key is revived where none is required" {
	agent_conf "signed_time = no"
	old=$(<"$GUEST_DIR/old")
	issued=$(date -d "$(jq -r .expires_at "$old.answer")" +%s)
	login "$(ask ubuntu)" ubuntu true # the time is vouched for
	answer_for "$old" 'del(.time)'
	clock "FAKETIME=$((issued - 3 - $(date +%s)))"
	forget_events
	refused_by_answer "$old"
	[ "$(events EVENT REASON | sort -u)" = "refused expired" ]
}

@test "a signed time that is older than the one before does not turn the time back" {
	login "$(ask ubuntu)" ubuntu true
	before=$(guest stat -c %Y /run/exc-instance-connect/vouched)
	answer_for "$(<"$GUEST_DIR/old")"
	clock "FAKETIME=-1d"
	refused_by_answer "$(<"$GUEST_DIR/old")"
	[ "$(guest stat -c %Y /run/exc-instance-connect/vouched)" -ge "$before" ]
}

@test "where nobody signs the time, a slow clock is named by the refusal and by doctor" {
	agent_conf "signed_time = no"
	for behind in $DAY 3600; do
		clock "FAKETIME=-$behind"
		key=$(ask ubuntu)
		answer_for "$key" 'del(.time)'
		forget_events
		refused_by_answer "$key"
		texts
		[ "$(events EVENT REASON | sort -u)" = "refused issued_in_future" ]
		texts | skew_said "this machine's clock is ([0-9]+) seconds or more behind.*timedatectl set-ntp true" "$behind"
		finding
		[[ "$(finding)" == bad:*"issued_in_future"*"signs no time|"*timedatectl* ]]
		finding | skew_said "this machine's clock is ([0-9]+) seconds or more behind" "$behind"
	done
}

@test "where nobody signs the time, a fast clock is named by the refusal and by doctor" {
	agent_conf "signed_time = no"
	clock "FAKETIME=+1d"
	key=$(ask ubuntu)
	answer_for "$key" 'del(.time)'
	refused_by_answer "$key"
	texts
	[ "$(events EVENT REASON | sort -u)" = "refused expired" ]
	texts | skew_said "this machine's clock is ([0-9]+) seconds or more ahead.*timedatectl set-ntp true" $((DAY - 60))
	finding
	[[ "$(finding)" == bad:*"expired"*"signs no time|"*timedatectl* ]]
	finding | skew_said "this machine's clock is ([0-9]+) seconds or more ahead" $((DAY - 60))
}

@test "where nobody signs the time and the clock is right, a fresh key logs in and doctor says whose clock counts" {
	agent_conf "signed_time = no"
	key=$(ask ubuntu)
	answer_for "$key" 'del(.time)'
	endpoint_start answer "$BATS_TEST_TMPDIR/answer"
	run login "$key" ubuntu echo in
	guest exc-instance-connect doctor --json >"$BATS_TEST_TMPDIR/doctor" || true
	endpoint_stop
	[ "$output" = in ]
	finding
	[[ "$(finding)" == good:*"signs no time"*"own clock"* ]]
}

@test "doctor says how far the clock is off, and that the signed time covers it" {
	for off in -1d +1d; do
		clock "FAKETIME=$off"
		guest exc-instance-connect doctor --json >"$BATS_TEST_TMPDIR/doctor" || true
		finding
		[[ "$(finding)" == "warning: "*"signed time"*"|"*timedatectl* ]]
		finding | skew_said "this machine's clock is ([0-9]+) seconds" "$DAY"
	done
	clock
	guest exc-instance-connect doctor --json >"$BATS_TEST_TMPDIR/doctor" || true
	finding
	[[ "$(finding)" == "good: "*"signed time"* ]]
}

@test "a time far ahead that was once signed is named by the refusal and by doctor" {
	guest touch -d "@$(($(date +%s) + DAY - $(cut -d. -f1 /proc/uptime)))" /run/exc-instance-connect/vouched
	guest chown exc-instance-connect: /run/exc-instance-connect/vouched
	run login "$(ask ubuntu)" ubuntu echo in
	guest exc-instance-connect doctor --json >"$BATS_TEST_TMPDIR/doctor" || true
	[ "$status" -eq 255 ]
	texts
	[ "$(events EVENT REASON | sort -u)" = "refused expired" ]
	texts | skew_said "a time ([0-9]+) seconds ahead.*/run/exc-instance-connect/vouched" "$DAY"
	finding
	[[ "$(finding)" == "bad: "*"|"*"/run/exc-instance-connect/vouched" ]]
	# What mends it
	guest rm /run/exc-instance-connect/vouched
	[ "$(login "$(ask ubuntu)" ubuntu echo in)" = in ]
}
