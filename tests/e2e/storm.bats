#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Strangers storm a stock sshd, as on any public address, and one-time keys log in all the while. The same
# for ten minutes is tests/bench/storm.

load guest

@test "among forty strangers at a time every one-time key logs in, and nothing grows" {
	namespaces_or_skip
	run tests/bench/storm --minutes 0.3 --attempts 40
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" =~ one-time\ logins:\ ([0-9]+)\ of\ ([0-9]+), ]]
	[ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ]
	[ "${BASH_REMATCH[1]}" -ge 4 ]
}

@test "a storm in which a one-time login fails is called no success" {
	namespaces_or_skip
	# Two of twenty attempts ask for a key when the storm begins, and the control plane gives one at a time.
	PRINCIPAL_RATE=$'1\nprincipal_burst = 1' run tests/bench/storm --minutes 0.1 --attempts 20
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"failed no key: HTTP Error 429"*"storm: a one-time login failed"* ]]
}
