#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What exc ssh-config prints makes plain ssh, rsync and Ansible use a fresh key for each connection.

load file_guest
load person

setup_file() {
	file_person_start
	[ -n "${GUEST_DIR-}" ] || return 0
	install -d -m 0700 -o "$PERSON" "$PERSON_DIR/home/.ssh"
	# ssh takes a home from the passwd file, and nobody has none there.
	person exc ssh-config --user ubuntu >"$PERSON_DIR/home/.ssh/config"
	for program in ssh scp sftp; do
		printf '#!/bin/sh\nexec /usr/bin/%s -F %s "$@"\n' $program "$PERSON_DIR/home/.ssh/config" >"$PERSON_DIR/bin/$program"
		chmod 0755 "$PERSON_DIR/bin/$program"
	done
}

setup() {
	file_guest_ready
	cd "$PERSON_DIR/home"
}

used() { events EVENT | grep -c '^used' || true; }
agent_is_gone() { [ ! -e "$PERSON_DIR/run/exc/agent.sock" ] && ! of_operator pgrep -fx 'exc compute tunnel .*' >/dev/null; }

@test "ssh exc-42 logs in, each time with a key of its own, and no key stays" {
	[ "$(person ssh exc-42 id -un)" = ubuntu ]
	[ "$(person ssh ana@exc-42 id -un)" = ana ]
	run person ssh -T exc-42 'echo out; echo err >&2; exit 6'
	[ "$status" -eq 6 ]
	[ "$(used)" -eq 3 ]
	wait_for agent_is_gone
	[ "$(find "$PERSON_DIR/run" -type f -printf '%f %m\n' | sort | paste -sd,)" = "agent.lock 600,known_hosts 600,known_hosts.lock 600" ]
	run grep -rl 'PRIVATE KEY' "$PERSON_DIR/run" "$PERSON_DIR/tmp" "$PERSON_DIR/home"
	[ -z "$output" ]
}

@test "sixteen connections to the same VM at the same time each get their own key" {
	for i in {1..16}; do
		person ssh exc-42 "echo $i" >"$BATS_TEST_TMPDIR/$i" 2>"$BATS_TEST_TMPDIR/$i.err" 3>&- &
	done
	wait
	cat "$BATS_TEST_TMPDIR"/*.err
	[ "$(cat "$BATS_TEST_TMPDIR"/? "$BATS_TEST_TMPDIR"/?? | sort -n | paste -sd' ')" = "$(seq 16 | paste -sd' ')" ]
	[ "$(used)" -eq 16 ]
	[ "$(events EVENT FINGERPRINT | sort -u | grep -c '^used')" -eq 16 ]
	wait_for agent_is_gone
}

@test "rsync -a copies a tree" {
	mkdir -p tree/sub
	echo 1 >"tree/a b"
	head -c 100000 /dev/urandom >tree/sub/b
	chmod -R a+rX tree
	person rsync -a tree/ exc-42:tree/
	guest diff -r /home/ubuntu/tree "$PWD/tree"
	person rsync -a exc-42:tree/ back
	diff -r tree back
	[ "$(used)" -eq 2 ]
}

@test "scp and sftp of one's own work, and so does a port that somebody names" {
	echo 3 >three
	chmod 0644 three
	person scp -q three exc-42:three
	echo 'get three four' | person sftp -q -b - exc-42
	cmp three four
	person ssh -p 2222 exc-42 true
}

@test "Ansible's ping answers" {
	PERSON_ENV="ANSIBLE_HOME=$PERSON_DIR/tmp/ansible ANSIBLE_SSH_ARGS=-oControlMaster=no ANSIBLE_LOCAL_TEMP=$PERSON_DIR/tmp"
	run person ansible all -i exc-42, -m ping
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *'"ping": "pong"'* ]]
	[ "$(used)" -ge 1 ]
}

@test "connections that a client shares use one key" {
	person ssh -o ControlMaster=auto -o ControlPath="$PERSON_DIR/run/%C" -o ControlPersist=5 exc-42 true
	person ssh -o ControlPath="$PERSON_DIR/run/%C" exc-42 true
	person ssh -o ControlPath="$PERSON_DIR/run/%C" -O exit exc-42
	[ "$(used)" -eq 1 ]
}

@test "a wrong host key is refused, and a VM without one is not trusted" {
	ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/k"
	connectd instance remove 42
	connectd instance add 42 --address "$GUEST_ADDRESS" --host "$GUEST_ADDRESS" --host-key "$(cut -d' ' -f1,2 "$BATS_TEST_TMPDIR/k.pub")"
	run person ssh exc-42 true
	wrong=$output
	connectd instance remove 42
	connectd instance add 42 --address "$GUEST_ADDRESS" --host "$GUEST_ADDRESS"
	run person ssh exc-42 true
	connectd instance remove 42
	connectd instance add 42 --address "$GUEST_ADDRESS" --host "$GUEST_ADDRESS" --user ubuntu --user ana \
		--host-key "$(cut -d' ' -f2- "$GUEST_DIR/known_hosts")"
	[ "$status" -eq 255 ]
	[[ "$wrong" == *"Host key verification failed"* ]]
	[[ "$output" == *"has no host key for exc-42"* ]]
	[ "$(used)" -eq 0 ]
}

@test "whoever is not the ssh that a key is for sees no key" {
	wait_for agent_is_gone
	# A VM that does not answer keeps the key in the agent.
	connectd instance add 44 --address 10.97.0.44 --host 127.0.0.1 --port 2244 --user ubuntu --host-key "$(cut -d' ' -f2- "$GUEST_DIR/known_hosts")"
	operator "$PYTHON" -c 'import signal, socket; s = socket.create_server(("127.0.0.1", 2244)); signal.pause()' 3>&- &
	silent=$!
	listens() { operator bash -c 'exec 3<>/dev/tcp/127.0.0.1/2244' 2>/dev/null; }
	wait_for listens
	person ssh -o ConnectTimeout=60 exc-44 true 3>&- &
	waiting=$!
	has_agent() { [ -S "$PERSON_DIR/run/exc/agent.sock" ]; }
	wait_for has_agent
	run person env SSH_AUTH_SOCK="$PERSON_DIR/run/exc/agent.sock" ssh-add -l
	of_operator pkill -f 'exc-44 true$|signal\.pause'
	wait "$silent" "$waiting" || true
	connectd instance remove 44
	echo "$output"
	[ "$status" -eq 1 ]
	[ "$output" = "The agent has no identities." ]
	wait_for agent_is_gone
}

@test "a folder that others can enter, or that is somebody else's, is not used" {
	chmod 0755 "$PERSON_DIR/run/exc"
	run person ssh exc-42 true
	chmod 0700 "$PERSON_DIR/run/exc"
	[ "$status" -eq 255 ]
	[[ "$output" == *"is open to other users"* ]]
	mv "$PERSON_DIR/run/exc" "$PERSON_DIR/run/real"
	ln -s real "$PERSON_DIR/run/exc"
	run person ssh exc-42 true
	rm "$PERSON_DIR/run/exc"
	mv "$PERSON_DIR/run/real" "$PERSON_DIR/run/exc"
	[ "$status" -eq 255 ]
	[[ "$output" == *"is not a directory that you own"* ]]
}

@test "without ProxyUseFdpass, exc compute tunnel carries the bytes itself" {
	head -c 1000000 /dev/urandom >bytes
	person ssh -o ProxyUseFdpass=no -o "ProxyCommand=exc compute tunnel --host %h --user %r" exc-42 cat <bytes >returned
	cmp bytes returned
}

@test "errors of the control plane reach the person behind ssh" {
	PERSON_ENV=EXCLOUD_ACCESS_TOKEN=wrong run person ssh exc-42 true
	[ "$status" -eq 255 ]
	[[ "$output" == *"(compute.auth.invalid_token, request req_"* ]]
}
