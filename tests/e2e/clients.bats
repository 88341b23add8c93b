#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Other people's SSH clients: each logs in once with a one-time key, and is refused the second time. What a client
# needs to read the key is on the page docs/compatibility.md, which has a row for each of these tests.

load file_guest
load page

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

# row NAME VERSION [KEY]: what the page has of a client that was in once, and of what it does with the key
row() {
	page_version "$1" "$2"
	page_agrees clients key "$1" "${3:-as it is}"
	page_agrees clients result "$1" once
}

# needs NAME COMMAND...: skip the test if there is no client, which the command shows
needs() {
	"${@:2}" >/dev/null 2>&1 || skip "$1 is not installed: tests/install-dependencies test"
}

# client COMMAND...: one on the operator's side, with its own home and no agent
client() {
	operator env -u SSH_AUTH_SOCK HOME="$GUEST_DIR/home" timeout "$WAIT_SECONDS" "$@" \
		2>"$BATS_TEST_TMPDIR/error" </dev/null
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
		if [ $tool = ssh ]; then
			# shellcheck disable=SC2046 # a list of options
			in_once "$key" ssh $(ssh_options) -n -i "$key" "ubuntu@$GUEST_ADDRESS" echo in
		else
			copy=$BATS_TEST_TMPDIR/$tool
			in_once "$key" sh -c "$tool -q $(ssh_options) -i $key ubuntu@$GUEST_ADDRESS:file $copy >&2 && cat $copy"
		fi
	done
	row 'OpenSSH: `ssh`, `sftp`, `scp`' "$(ssh -V 2>&1 | sed 's/^OpenSSH_\([^ ,]*\).*/\1/')"
}

@test "Dropbear's dbclient, after dropbearconvert" {
	needs dbclient command -v dbclient
	key=$(ask ubuntu)
	mkdir -p "$GUEST_DIR/home/.ssh"
	cp "$GUEST_DIR/known_hosts" "$GUEST_DIR/home/.ssh/known_hosts"
	run client dbclient -i "$key" "ubuntu@$GUEST_ADDRESS" echo in
	[ "$status" -ne 0 ] # or the page need not tell people to convert the key
	[ -z "$(events)" ]
	dropbearconvert openssh dropbear "$key" "$key.dropbear"
	in_once "$key" dbclient -i "$key.dropbear" "ubuntu@$GUEST_ADDRESS" echo in
	row 'Dropbear: `dbclient`' "$(dbclient -V 2>&1 | sed 's/.* v//')" '`dropbearconvert openssh dropbear KEY KEY.dropbear`'
}

@test "PuTTY's plink, after puttygen" {
	needs plink command -v plink puttygen
	key=$(ask ubuntu)
	plink=(plink -batch -ssh -noagent -hostkey "$(<"$GUEST_DIR/host_fingerprint")")
	run client "${plink[@]}" -i "$key" "ubuntu@$GUEST_ADDRESS" echo in
	[ "$status" -ne 0 ]
	grep -q 'Unable to use key file' "$BATS_TEST_TMPDIR/error"
	client puttygen "$key" -O private -o "$key.ppk"
	in_once "$key" "${plink[@]}" -i "$key.ppk" "ubuntu@$GUEST_ADDRESS" echo in
	row 'PuTTY: `plink`' "$(plink -V | sed -n 's/^plink: Release //p')" '`puttygen KEY -O private -o KEY.ppk`'
}

@test "Python's paramiko" {
	needs python3-paramiko "$PYTHON" -c 'import paramiko'
	program_in_once "$PYTHON" "$here/clients/paramiko_client.py"
	row paramiko "$("$PYTHON" -c 'import paramiko; print(paramiko.__version__)')"
}

@test "Python's asyncssh" {
	needs python3-asyncssh "$PYTHON" -c 'import asyncssh'
	program_in_once "$PYTHON" "$here/clients/asyncssh_client.py"
	row asyncssh "$("$PYTHON" -c 'import asyncssh; print(asyncssh.__version__)')"
}

@test "libssh" {
	needs libssh-dev pkg-config --exists libssh
	# shellcheck disable=SC2046 # lists of options
	gcc -Wall -Werror -o "$BATS_TEST_TMPDIR/libssh" "$here/clients/libssh.c" $(pkg-config --cflags --libs libssh)
	program_in_once "$BATS_TEST_TMPDIR/libssh"
	row libssh "$(pkg-config --modversion libssh)"
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
	row 'libssh2, by `curl` with `sftp:` and `scp:`' "$(curl -V | sed -n '1s|.* libssh2/\([^ ]*\).*|\1|p')"
}

@test "Node.js's ssh2" {
	needs "ssh2 for Node.js" env NODE_PATH="$EXC_NODE/node_modules" node -e 'require("ssh2")'
	program_in_once env NODE_PATH="$EXC_NODE/node_modules" node "$here/clients/node.js"
	row 'ssh2 for Node.js' "$(jq -r .version "$EXC_NODE/node_modules/ssh2/package.json")"
}

@test "Go's x/crypto/ssh" {
	needs "Go with golang-golang-x-crypto-dev" env GO111MODULE=off GOPATH=/usr/share/gocode go list golang.org/x/crypto/ssh
	env HOME="$GUEST_DIR/home" GO111MODULE=off GOPATH=/usr/share/gocode \
		go build -o "$BATS_TEST_TMPDIR/golang" "$here/clients/golang.go"
	program_in_once "$BATS_TEST_TMPDIR/golang"
	row 'x/crypto/ssh for Go' "$(dpkg-query -W -f '${Version}' golang-golang-x-crypto-dev | sed 's/^[0-9]*://; s/-.*//')"
}
