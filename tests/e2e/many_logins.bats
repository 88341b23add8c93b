#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# One key, one login, also when there are many keys, or many who hold the same one.

load file_guest

# It is about how many get in, and not about how fast this machine is.
export TIMEOUT_MS=10000
LOGINS=200
BATCH=10 # keys are replayed well within their 60 seconds
RACERS=32
ROUNDS=50

# count_events EVENT
count_events() { events EVENT | grep -cx "$1" || true; }

# Log in once with each key; prints how many got in.
log_in_with() {
	local key
	for key; do
		login "$key" ubuntu echo in 2>/dev/null || true
	done | grep -cx in || true
}

@test "$LOGINS one-time logins succeed, and the same keys replayed open nothing" {
	first=0 replayed=0
	for ((done = 0; done < LOGINS; done += BATCH)); do
		keys=()
		for ((i = 0; i < BATCH; i++)); do
			keys+=("$(ask ubuntu)")
		done
		first=$((first + $(log_in_with "${keys[@]}")))
		replayed=$((replayed + $(log_in_with "${keys[@]}")))
	done
	echo "$first in, then $replayed in"
	[ "$first" -eq "$LOGINS" ]
	[ "$replayed" -eq 0 ]
	# Refused because they were used, and for no other reason
	[ "$(count_events used)" -eq "$LOGINS" ]
	[ "$(count_events replayed)" -eq "$LOGINS" ]
}

# race KEY: RACERS clients at the same moment; prints how many sessions there were
race() {
	operator bash -c '
		for ((i = 0; i < $1; i++)); do
			ssh $2 -o LogLevel=QUIET -n -i "$3" "$4" echo in &
		done
		wait' bash "$RACERS" "$(ssh_options)" "$1" "ubuntu@$GUEST_ADDRESS" | grep -cx in || true
}

# race_rounds N: every round must have exactly one winner
race_rounds() {
	local round won
	for ((round = 0; round < $1; round++)); do
		won=$(race "$(ask ubuntu)")
		[ "$won" -eq 1 ] || { echo "round $round: $won sessions"; return 1; }
	done
}

@test "of $RACERS clients with the same key exactly one gets in, $ROUNDS times" {
	race_rounds "$ROUNDS"
	[ "$(count_events used)" -eq "$ROUNDS" ]
}

@test "of $RACERS clients with the same key exactly one gets in, also without the module" {
	agent_conf "single_use = connection"
	guest sed -i.module '/pam_exc_instance_connect/d' /etc/pam.d/sshd
	run race_rounds 10
	guest mv /etc/pam.d/sshd.module /etc/pam.d/sshd
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(count_events used)" -eq 0 ]
	[ "$(count_events offered)" -eq 10 ]
}
