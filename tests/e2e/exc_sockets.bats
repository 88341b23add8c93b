#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exc over WebSocket: the serial console, and ssh through the control plane.

load guest
load person

setup_file() {
	file_person_start
	[ -n "${GUEST_DIR-}" ] || return 0
	operator "$PYTHON" "$BATS_TEST_DIRNAME/serial.py" "$GUEST_DIR/serial" "$GUEST_DIR/typed" \
		>"$GUEST_DIR/serial.out" 2>&1 3>&- </dev/null &
	wait_for grep -q ready "$GUEST_DIR/serial.out"
	connectd instance remove 42
	connectd instance add 42 --address "$GUEST_ADDRESS" --host "$GUEST_ADDRESS" --user ubuntu \
		--host-key "$(cut -d' ' -f2- "$GUEST_DIR/known_hosts")" --console "$GUEST_DIR/serial"
}

teardown_file() {
	[ -z "${GUEST_DIR-}" ] || pkill -f "serial.py $GUEST_DIR/serial"
	file_guest_stop
}

setup() {
	file_guest_ready
	cd "$PERSON_DIR/home"
}

@test "exc compute console --vm_id 42" {
	run on_terminal --raw 'connected to the console' $'root\r' 'vm42 says: ROOT' '~.' -- exc compute console --vm_id 42
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"connected to the console; to leave, type ~. at the start of a line, or Ctrl-]"*"vm42 says: ROOT"* ]]
	[ "$(od -An -c "$GUEST_DIR/typed" | tr -d ' ')" = 'root\r' ]
}

@test "Ctrl-] leaves the console, and the terminal is as it was" {
	run on_terminal --raw 'connected to the console' $'a\x1d' -- \
		bash -c 'stty -a >before; exc compute console --vm_id 42; stty -a | diff before -'
	[ "$status" -eq 0 ]
	[[ "$output" == *"connected to the console"* ]]
}

@test "the terminal is as it was after SIGTERM as well" {
	on_terminal --raw 'connected to the console' $'x\r' 'vm42 says: X' -- \
		bash -c 'stty -a >before; exc compute console --vm_id 42; stty -a | diff before -' >"$BATS_TEST_TMPDIR/out" 3>&- &
	job=$!
	wait_for grep -q 'vm42 says: X' "$BATS_TEST_TMPDIR/out"
	of_operator pkill -TERM -fx "exc compute console --vm_id 42"
	wait "$job"
}

@test "what is piped into the console arrives whole, and its answer is read" {
	head -c 50000 /dev/zero | tr '\0' a >input
	rm -f "$GUEST_DIR/typed"
	person exc compute console --vm_id 42 <input >"$BATS_TEST_TMPDIR/out" 3>&- &
	job=$!
	# Each piece that arrives is answered with its own bytes and some more.
	answered() { [ "$(wc -c <"$BATS_TEST_TMPDIR/out")" -gt 50000 ] && [ "$(wc -c <"$GUEST_DIR/typed")" -ge 50000 ]; }
	wait_for answered
	of_operator pkill -TERM -fx "exc compute console --vm_id 42"
	wait "$job" || true
	[ "$(wc -c <"$GUEST_DIR/typed")" -eq 50000 ]
}

@test "--via tunnel runs commands and copies 100 MiB through the control plane" {
	[ "$(person exc compute exec --vm-id 42 --via tunnel --command 'id -un')" = ubuntu ]
	head -c 104857600 /dev/urandom >big
	chmod 0644 big
	start=${EPOCHREALTIME/./}
	person exc compute scp --vm-id 42 --via tunnel --src big --dst big-there
	middle=${EPOCHREALTIME/./}
	person exc compute exec --vm-id 42 --via tunnel --command 'cat big-there' >back
	end=${EPOCHREALTIME/./}
	echo "# 100 MiB through the tunnel: up $(((middle - start) / 1000)) ms, down $(((end - middle) / 1000)) ms" >&3
	cmp big back
	guest cat /home/ubuntu/big-there | cmp big -
	guest rm /home/ubuntu/big-there
	rm big back
}

@test "ssh exc-42 works through the control plane, also many at a time" {
	person exc ssh-config --user ubuntu --via tunnel >config
	for i in {1..6}; do
		person ssh -F config exc-42 "echo $i" >"$BATS_TEST_TMPDIR/$i" 3>&- &
	done
	wait
	[ "$(cat "$BATS_TEST_TMPDIR"/? | sort | paste -sd' ')" = "1 2 3 4 5 6" ]
}

@test "a session opens one tunnel, and refusals are said" {
	run person timeout 10 env EXC_SESSION_ID=nonsense exc compute tunnel --session </dev/null
	[ "$status" -eq 255 ]
	[[ "$output" == *"refused the tunnel (HTTP status 4"* ]]
	run person timeout 10 env EXCLOUD_ACCESS_TOKEN=wrong exc compute console --vm_id 42 </dev/null
	[ "$status" -eq 255 ]
	[[ "$output" == *"does not know this token"* ]]
	run person timeout 10 exc compute console --vm_id 43 </dev/null
	[ "$status" -eq 255 ]
	[[ "$output" == *"refused the console (HTTP status 40"* ]]
	run person timeout 10 exc compute console --vm_id 42 --endpoint http://127.0.0.1:1 </dev/null
	[ "$status" -eq 255 ]
	[[ "$output" == *"cannot open the console"* ]]
}
