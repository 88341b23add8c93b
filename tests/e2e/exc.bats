#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exc as a person uses it: connect, exec and scp with one-time keys, and what it says when it cannot.

load guest
load person

setup_file() {
	file_guest_start
	[ -z "${GUEST_DIR-}" ] || person_start
}

teardown_file() {
	file_guest_stop
}

setup() {
	file_guest_ready
	cd "$PERSON_DIR/home"
}

# on_terminal COMMAND...: the person's, with a terminal; standard input is what is typed
on_terminal() { person script -qefc "$(printf '%q ' "$@")" /dev/null; }

@test "exc compute connect --vm_id 42 --user ubuntu" {
	run on_terminal exc compute connect --vm_id 42 --user ubuntu < <(sleep 2; printf 'echo "I am $(id -un) on $(tty)"\nexit 5\n')
	echo "$output"
	[ "$status" -eq 5 ]
	[[ "$output" == *"I am ubuntu on /dev/pts/"* ]]
}

@test "exc compute exec --vm-id 42 --command 'systemctl status nginx'" {
	# A systemctl that says what it was told: nothing of this guest runs systemd.
	guest sh -c 'printf "#!/bin/sh\necho \"\$0 \$*\"\nexit 3\n" >/usr/local/bin/systemctl; chmod 0755 /usr/local/bin/systemctl'
	run person exc compute exec --vm-id 42 --command 'systemctl status nginx'
	guest rm /usr/local/bin/systemctl
	echo "$output"
	[ "$status" -eq 3 ]
	[ "$output" = "/usr/local/bin/systemctl status nginx" ]
	[ "$(events EVENT USER CALLER)" = "offered ubuntu user:ana
used ubuntu user:ana" ]
}

@test "exc compute scp --vm-id 42 --src ./a --dst /tmp/a" {
	head -c 100000 /dev/urandom >a
	person exc compute scp --vm-id 42 --src ./a --dst /tmp/a
	guest cat /tmp/a | cmp a -
	[ "$(guest stat -c %U /tmp/a)" = ubuntu ]
}
