#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Other people's SSH clients: each logs in once with a one-time key, and is refused the second time. What a client
# needs to read the key is on the page docs/compatibility.md, which has a row for each of these tests.

load file_guest

# Where tests/install-dependencies puts the client of Node.js
EXC_NODE=${EXC_NODE:-/var/cache/exc-instance-connect-node}

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	# Clients keep what they know of hosts, and Go its cache, in a home of their own.
	mkdir "$GUEST_DIR/home"
	ordinary_key ubuntu >/dev/null
	ssh-keygen -lf "$GUEST_DIR/known_hosts" | cut -d' ' -f2 >"$GUEST_DIR/host_fingerprint"
}

# needs NAME COMMAND...: skip the test if there is no client, which the command shows
needs() {
	"${@:2}" >/dev/null 2>&1 || skip "$1 is not installed: tests/install-dependencies test"
}

# client COMMAND...: one on the operator's side, with its own home and no agent
client() {
	operator env -u SSH_AUTH_SOCK HOME="$GUEST_DIR/home" timeout "$WAIT_SECONDS" "$@" 2>"$BATS_TEST_TMPDIR/error" </dev/null
}

# in_once KEY COMMAND...: the command logs in and prints "in"; the same again is refused by the guest, and gets nothing
in_once() {
	local said
	said=$(client "${@:2}") || { cat "$BATS_TEST_TMPDIR/error"; return 1; }
	[ "$said" = in ] || return
	[ "$(events EVENT)" = $'offered\nused' ] || return
	! said=$(client "${@:2}") || return
	[ -z "$said" ] || return
	cat "$BATS_TEST_TMPDIR/error"
	# A client may ask twice, with and without a signature, before it gives up.
	[ "$(events EVENT | uniq)" = $'offered\nused\nreplayed' ] || return
	# It was the key that was refused, and not the client.
	login "$(ask ubuntu)" ubuntu true
}

# program COMMAND...: a client of ours in clients/, which takes KEY USER HOST KNOWN_HOSTS COMMAND
program_in_once() {
	local key
	key=$(ask ubuntu)
	in_once "$key" "$@" "$key" ubuntu "$GUEST_ADDRESS" "$GUEST_DIR/known_hosts" "echo in"
}

@test "OpenSSH's ssh, sftp and scp" {
	printf in | guest install -m 0644 /dev/stdin /home/ubuntu/file
	for tool in ssh sftp scp; do
		forget_events
		key=$(ask ubuntu)
		case $tool in
		# shellcheck disable=SC2046 # lists of options
		ssh) in_once "$key" ssh $(ssh_options) -n -i "$key" "ubuntu@$GUEST_ADDRESS" echo in ;;
		sftp) in_once "$key" sh -c "sftp -q $(ssh_options) -i $key ubuntu@$GUEST_ADDRESS:file $BATS_TEST_TMPDIR/sftp >&2 && cat $BATS_TEST_TMPDIR/sftp" ;;
		scp) in_once "$key" sh -c "scp -q $(ssh_options) -i $key ubuntu@$GUEST_ADDRESS:file $BATS_TEST_TMPDIR/scp >&2 && cat $BATS_TEST_TMPDIR/scp" ;;
		esac
	done
}

@test "Dropbear's dbclient, after dropbearconvert" {
	needs dbclient command -v dbclient
	key=$(ask ubuntu)
	mkdir -p "$GUEST_DIR/home/.ssh"
	cp "$GUEST_DIR/known_hosts" "$GUEST_DIR/home/.ssh/known_hosts"
	run client dbclient -i "$key" "ubuntu@$GUEST_ADDRESS" echo in
	[ "$status" -ne 0 ] # or the page need not say that the key has to be converted
	dropbearconvert openssh dropbear "$key" "$key.dropbear"
	in_once "$key" dbclient -i "$key.dropbear" "ubuntu@$GUEST_ADDRESS" echo in
}

@test "PuTTY's plink, after puttygen" {
	needs plink command -v plink puttygen
	key=$(ask ubuntu)
	plink=(plink -batch -ssh -noagent -hostkey "$(<"$GUEST_DIR/host_fingerprint")")
	run client "${plink[@]}" -i "$key" "ubuntu@$GUEST_ADDRESS" echo in
	[ "$status" -ne 0 ] # the same
	client puttygen "$key" -O private -o "$key.ppk"
	in_once "$key" "${plink[@]}" -i "$key.ppk" "ubuntu@$GUEST_ADDRESS" echo in
}

@test "Python's paramiko" {
	needs python3-paramiko "$PYTHON" -c 'import paramiko'
	program_in_once "$PYTHON" "$here/clients/paramiko_client.py"
}

@test "Python's asyncssh" {
	needs python3-asyncssh "$PYTHON" -c 'import asyncssh'
	program_in_once "$PYTHON" "$here/clients/asyncssh_client.py"
}

@test "libssh" {
	needs libssh-dev pkg-config --exists libssh
	# shellcheck disable=SC2046 # lists of options
	gcc -Wall -Werror -o "$BATS_TEST_TMPDIR/libssh" "$here/clients/libssh.c" $(pkg-config --cflags --libs libssh)
	program_in_once "$BATS_TEST_TMPDIR/libssh"
}

@test "libssh2, through curl" {
	curl -V | grep -q libssh2 || skip "this curl has no libssh2"
	printf in | guest install -m 0644 /dev/stdin /home/ubuntu/file
	for scheme in sftp scp; do
		forget_events
		key=$(ask ubuntu)
		in_once "$key" curl -sS --hostpubsha256 "$(cut -d: -f2 "$GUEST_DIR/host_fingerprint")" --key "$key" -u ubuntu: \
			"$scheme://$GUEST_ADDRESS/home/ubuntu/file"
	done
}

@test "Node.js's ssh2" {
	needs "ssh2 for Node.js" env NODE_PATH="$EXC_NODE/node_modules" node -e 'require("ssh2")'
	program_in_once env NODE_PATH="$EXC_NODE/node_modules" node "$here/clients/node.js"
}

@test "Go's x/crypto/ssh" {
	needs "Go with golang-golang-x-crypto-dev" env GO111MODULE=off GOPATH=/usr/share/gocode go list golang.org/x/crypto/ssh
	env HOME="$GUEST_DIR/home" GO111MODULE=off GOPATH=/usr/share/gocode \
		go build -o "$BATS_TEST_TMPDIR/golang" "$here/clients/golang.go"
	program_in_once "$BATS_TEST_TMPDIR/golang"
}
