#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whatever call or allocation of the agent or the module fails, or is the last before SIGKILL: no key opens two
# sessions, nobody is locked out, nothing hangs or crashes. A sample; tests/fault/walk --all takes all of it.

load guest

setup() {
	namespaces_or_skip
}

walk() {
	run "$here/../fault/walk" "$@"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "whatever fails in the agent's first run, a key opens one session at most, and the next one logs in" {
	walk --step offer
}

@test "whatever fails in the agent's second run or in the module, likewise, and ordinary logins go on" {
	walk --step proof --step session --step ordinary
}

@test "whatever fails where the agent alone spends keys, likewise" {
	walk --single-use connection --step offer --step proof --kind call
}

@test "whatever fails, the command that the agent runs after itself is given no descriptor of its" {
	walk --next-command --step offer --kind call --kind calls
}
