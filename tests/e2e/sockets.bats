#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Terminal, tunnel and console over WebSocket, with a real sshd and a real virtual machine's console.

load file_guest

COMPUTE=127.0.0.1:8443
TERMINAL=ws://$COMPUTE/compute/instance/connect/ws
TUNNEL=ws://$COMPUTE/compute/instance/connect/tunnel
CONSOLE=ws://$COMPUTE/compute/instance/console/ws
SOCKETS_PER_PRINCIPAL=32
# Kilobytes that the server may grow by while somebody reads slowly
GROWTH_MAX=4096
LARGE_BYTES=50000000

setup() {
	file_guest_ready
	TEST=$BATS_TEST_TMPDIR
	TOKEN=$(sed 's/.* //' "$GUEST_DIR/token")
}

teardown() {
	connectd instance remove 43 >/dev/null 2>&1 || true
	local name
	for name in "${QEMU_PID-}" "${SERVER_PID-}"; do
		[ -z "$name" ] || kill -KILL "$name" 2>/dev/null || true
	done
	[ -n "${GUEST_DIR-}" ] || return 0
	# Everything that a test changed is as it was.
	if [ -e "$GUEST_DIR/connectd.conf.before" ]; then
		mv "$GUEST_DIR/connectd.conf.before" "$GUEST_DIR/connectd.conf"
		connectd_stop KILL
	fi
	connectd_pid >/dev/null || connectd_start
}

# configure LINE...: more settings, for this test
configure() {
	cp "$GUEST_DIR/connectd.conf" "$GUEST_DIR/connectd.conf.before"
	printf '%s\n' "$@" >>"$GUEST_DIR/connectd.conf"
	connectd_stop
	connectd_start
}

# session [VM_ID [JSON MEMBERS]]: the id of a new one; its answer is in $TEST/session
session() {
	operator curl -s --max-time 10 -H "Authorization: Bearer $TOKEN" -o "$TEST/session" \
		-d "{\"vm_id\":${1:-42},\"user\":\"ubuntu\"${2:+,$2}}" "http://$COMPUTE/compute/instance/connect"
	jq -er .id "$TEST/session"
}

# client SCENARIO URL [ARGUMENT...]: terminal.py; its output in $output, the close in $closed
client() {
	local status=0
	operator "$PYTHON" "$here/terminal.py" "$@" >"$TEST/out" 2>"$TEST/err" </dev/null || status=$?
	output=$(tr -d '\0' <"$TEST/out")
	closed=$(tail -n 1 "$TEST/err")
	echo "$output" "$(cat "$TEST/err")"
	return "$status"
}

# background NAME SCENARIO URL [ARGUMENT...]: until it says that it is ready; tell NAME lets it go on
background() {
	local name=$1
	shift
	mkfifo "$TEST/$name.in"
	operator "$PYTHON" "$here/terminal.py" "$@" <"$TEST/$name.in" >"$TEST/$name.out" 2>"$TEST/$name.err" 3>&- &
	echo $! >"$TEST/$name.pid"
	exec {opened}>"$TEST/$name.in"
	echo "$opened" >"$TEST/$name.fd"
	has_begun() { grep -q -e ready -e open "$TEST/$name.out" || ! kill -0 "$(<"$TEST/$name.pid")" 2>/dev/null; }
	wait_for has_begun
	grep -q -e ready -e open "$TEST/$name.out" || { cat "$TEST/$name.err" >&2; return 1; }
}
tell() {
	local fd
	fd=$(<"$TEST/$1.fd")
	echo >&"$fd"
	exec {fd}>&-
	wait "$(<"$TEST/$1.pid")"
}

# refusal URL [CURL OPTION...]: status and code of the answer to a request for an upgrade
refusal() {
	local url=http${1#ws}
	shift
	operator curl -s --max-time 10 -o "$TEST/answer" -w '%{http_code} ' -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
		-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' "$@" "$url"
	jq -er .error.code "$TEST/answer"
}

# rows EVENT: the trail's last ones, oldest first: decision's first word and reason
rows() {
	connectd audit --json --limit 1000 |
		jq -r --arg event "$1" '.[] | select(.event == $event) | "\(.vm_id) \(.caller) \(.reason)"'
}
our_ssh() { pgrep -P "$(connectd_pid)" -x ssh; }
no_ssh() { ! our_ssh; }
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$(connectd_pid)/status"; }

@test "a client that waits for a prompt, sends a line as text and reads to the next prompt works" {
	client command "$TERMINAL/$(session)" 'echo answer-$((40 + 2))' 'id -un'
	[[ "$output" == *answer-42* ]]
	[[ "$output" == *ubuntu* ]]
	[[ "$closed" == 1000* ]]
	client eager "$TERMINAL/$(session)" 'echo early-$((40 + 2)); exit 3'
	[[ "$output" == *early-42* ]]
	[ "$closed" = "1000 exit status 3" ]
}

@test "exc.terminal.v1 carries data, the terminal's size and the exit status" {
	client framed "$TERMINAL/$(session)" 132x50 'stty size' 'exit 7'
	[[ "$output" == *"50 132"* ]]
	[[ "$output" == *"status 7" ]]
	[ "$closed" = "1000 exit status 7" ]
	client wrong "$TERMINAL/$(session)" 0100500018ff
	[ "$closed" = "1002 this is not a message of exc.terminal.v1" ]
	client wrong "$TERMINAL/$(session)" 07
	[[ "$closed" == 1002* ]]
	client wrong "$TERMINAL/$(session)" t:hello
	[[ "$closed" == 1003* ]]
	client large "$TERMINAL/$(session)"
	[[ "$closed" == 1009* ]]
}

@test "output is text where it is UTF-8, binary where it is not, and never another byte" {
	client bytes_of "$TERMINAL/$(session)" "$PYTHON -c 'print(\"begin\" + \"€\" * 100000 + \"end\")'"
	[ "$(grep -a -o 'begin€.*end' "$TEST/out" | sha256sum)" = "$("$PYTHON" -c 'print("begin" + "€" * 100000 + "end")' | sha256sum)" ]
	client bytes_of "$TERMINAL/$(session)" "printf '(\\xff\\xfeh\\xc3\\xa9llo)'"
	[ "$(tail -c 9 "$TEST/out" | od -An -tx1 | tr -d ' ')" = 28fffe68c3a96c6c6f29 ] ||
		[ "$(tail -c 10 "$TEST/out" | od -An -tx1 | tr -d ' ')" = 28fffe68c3a96c6c6f29 ]
	client binary "$TERMINAL/$(session)" 'exec seq 3'
	[ "$output" = bytes ]
}

@test "a session opens one socket, for whom it was made, while it lasts" {
	id=$(session)
	client command "$TERMINAL/$id" true
	[ "$(refusal "$TERMINAL/$id")" = "409 compute.session.used" ]
	[ "$(refusal "$TUNNEL/$id")" = "409 compute.session.used" ]
	[ "$(refusal "$TERMINAL/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")" = "404 compute.session.not_found" ]
	id=$(session)
	sqlite3 "$GUEST_DIR/connectd.db" "PRAGMA busy_timeout = 5000; UPDATE sessions SET expires = strftime('%s', 'now') - 1 WHERE taken IS NULL" >/dev/null
	[ "$(refusal "$TERMINAL/$id")" = "410 compute.session.expired" ]
	id=$(session)
	[ "$(refusal "$TERMINAL/$id" -H 'Authorization: Bearer exc_wrong')" = "401 compute.auth.invalid_token" ]
	other=$(connectd token add user:bo --instance '*')
	[ "$(refusal "$TERMINAL/$id" -H "Authorization: Bearer $other")" = "403 compute.session.forbidden" ]
	EXC_TOKEN=$TOKEN client command "$TERMINAL/$id" true
	# Twenty at once: one of them gets it.
	id=$(session)
	for i in {1..20}; do
		operator "$PYTHON" "$here/terminal.py" command "$TERMINAL/$id" true >"$TEST/race.$i" 2>&1 </dev/null 3>&- &
	done
	wait
	[ "$(grep -l '^refused 409' "$TEST"/race.* | wc -l)" -eq 19 ]
}

@test "a policy that no longer allows it closes the way between asking and opening" {
	token=$(connectd token add user:cy --instance 42)
	id=$(TOKEN=$token session)
	connectd policy detach instances:user:cy user:cy
	[ "$(refusal "$TERMINAL/$id")" = "403 compute.instance.forbidden" ]
}

@test "a terminal needs a key that the server made and host keys that are known" {
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$TEST/own"
	id=$(session 42 "\"public_key\":\"$(cut -d' ' -f1,2 "$TEST/own.pub")\"")
	[ "$(refusal "$TERMINAL/$id")" = "409 compute.session.no_private_key" ]
	# Which leaves it to the tunnel.
	# shellcheck disable=SC2046 # a list of options
	run operator ssh $(ssh_options) -n -i "$TEST/own" \
		-o ProxyCommand="$PYTHON $here/terminal.py pump $TUNNEL/$id 2>/dev/null" "ubuntu@$GUEST_ADDRESS" echo through
	[ "$output" = through ]
	connectd instance add 43 --address 192.0.2.43 --host "$GUEST_ADDRESS"
	[ "$(refusal "$TERMINAL/$(session 43)")" = "409 compute.instance.no_host_keys" ]
	connectd instance remove 43
}

@test "when ssh cannot log in, the close says why" {
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$TEST/host"
	connectd instance add 43 --address 192.0.2.43 --host "$GUEST_ADDRESS" --host-key "$(cut -d' ' -f1,2 "$TEST/host.pub")"
	client eager "$TERMINAL/$(session 43)"
	[ "$closed" = "1011 ssh: Host key verification failed." ]
	connectd instance remove 43
	connectd instance add 43 --address 192.0.2.43 --host "$GUEST_ADDRESS" --port 9 \
		--host-key "$(cut -d' ' -f1,2 "$TEST/host.pub")"
	client eager "$TERMINAL/$(session 43)"
	[[ "$closed" == "1011 ssh: connect to host $GUEST_ADDRESS port 9: Connection refused"* ]]
	connectd instance remove 43
	id=$(session)
	use=$(jq -r .private_key "$TEST/session" >"$TEST/key" && chmod 0600 "$TEST/key" && echo "$TEST/key")
	login "$use" ubuntu true
	client eager "$TERMINAL/$id"
	[[ "$closed" == "1011 ssh: "*"Permission denied (publickey)." ]] || [[ "$closed" == 1000* ]]
}

@test "closing the socket ends ssh, and the shell on the instance" {
	background one hold "$TERMINAL/$(session)" 'exec sleep 4242'
	wait_for our_ssh
	wait_for guest pgrep -f 'sleep 4242'
	tell one
	wait_for no_ssh
	gone() { ! guest pgrep -f 'sleep 4242'; }
	wait_for gone
	# Without a goodbye
	background two hold "$TERMINAL/$(session)" 'exec sleep 4242'
	wait_for our_ssh
	of_operator pkill -KILL -f "terminal.py hold"
	wait_for no_ssh
	wait_for gone
}

@test "kill -9 of the server leaves no ssh, and SIGTERM waits for none" {
	background one hold "$TERMINAL/$(session)"
	ssh=$(our_ssh)
	# The namespace's first process reaps nobody.
	is_gone() { [ ! -e "/proc/$ssh" ] || grep -q '^State:.Z' "/proc/$ssh/status"; }
	connectd_stop KILL
	wait_for is_gone
	connectd_start
	background two hold "$TERMINAL/$(session)"
	ssh=$(our_ssh)
	connectd_stop TERM
	wait_for is_gone
	connectd audit --json --limit 1 | jq -er '.[0].reason | test("^closed: ")'
	connectd_start
}

@test "a slow reader slows the shell, costs the server nothing, and gets every byte" {
	background one slow "$TERMINAL/$(session)" "head -c $LARGE_BYTES /dev/zero"
	before=$(rss)
	wait_for guest pgrep -x head
	read_so_far() { guest sh -c 'awk "/^rchar/ { print \$2 }" "/proc/$(pgrep -x head | head -1)/io"'; }
	# The same after a while: of a shell that waits there is no event.
	stands_still() {
		local count
		count=$(read_so_far)
		[ "$count" -gt 100000 ] && sleep 0.5 && [ "$(read_so_far)" = "$count" ]
	}
	wait_for stands_still
	count=$(read_so_far) grown=$(($(rss) - before))
	echo "# the shell stopped after $count of $LARGE_BYTES bytes, and the server grew by $grown kB" >&3
	[ "$count" -lt $((LARGE_BYTES / 2)) ]
	[ "$grown" -lt "$GROWTH_MAX" ]
	tell one
	[ "$(tail -n 1 "$TEST/one.out")" = "$LARGE_BYTES" ]
	[ $(($(rss) - before)) -lt "$GROWTH_MAX" ]
}

# (The sleep in it is what makes the shell the slower one.)
@test "what a client sends faster than the shell reads waits at the client" {
	background one hold "$TERMINAL/$(session)" 'exec sleep 4242'
	before=$(rss)
	tell one
	head -c 5000000 /dev/zero | tr '\0' 'x' | fold -w 70 >"$TEST/lines"
	client upload "$TERMINAL/$(session)" "$TEST/lines" \
		"stty raw -echo; exec sh -c 'echo rea\"\"dy; sleep 1; head -c $(wc -c <"$TEST/lines") | sha256sum'"
	[[ "$output" == *"$(sha256sum <"$TEST/lines" | cut -d' ' -f1)"* ]]
	[ $(($(rss) - before)) -lt "$GROWTH_MAX" ]
}

@test "an idle terminal is closed, one that is used is not, and none lasts for ever" {
	configure 'terminal_idle = 2' 'terminal_max = 6'
	client idle "$TERMINAL/$(session)"
	[ "$closed" = "1008 idle for 2 seconds, which is the limit" ]
	client eager "$TERMINAL/$(session)" 'while sleep 0.5; do echo tick; done'
	[ "$closed" = "1008 open for 6 seconds, which is the limit" ]
	wait_for no_ssh
}

@test "a page opens a socket only from an origin that is allowed, or the server's own" {
	configure 'allowed_origins = https://console.example.net https://other.example:8443'
	for origin in https://evil.example null http://console.example.net https://console.example.net.evil; do
		[ "$(refusal "$TERMINAL/$(session)" -H "Origin: $origin")" = "403 compute.origin.forbidden" ]
	done
	for origin in https://console.example.net https://other.example:8443 "http://$COMPUTE"; do
		EXC_ORIGIN=$origin client command "$TERMINAL/$(session)" true
	done
	connectd_stop
	echo 'allowed_origins = console.example.net' >>"$GUEST_DIR/connectd.conf"
	run connectd serve
	[ "$status" -eq 1 ]
}

@test "with a certificate, sockets come over TLS and HTTP/1.1, and from the server's own pages" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$TEST/tls.key" -out "$TEST/tls.pem" 2>/dev/null
	configure "compute_certificate = $TEST/tls.pem" "compute_private_key = $TEST/tls.key"
	id=$(operator curl -s --http2 --cacert "$TEST/tls.pem" -H "Authorization: Bearer $TOKEN" -w '%{stderr}%{http_version}' \
		-d '{"vm_id":42,"user":"ubuntu"}' "https://$COMPUTE/compute/instance/connect" 2>"$TEST/version" | jq -r .id)
	[ "$(<"$TEST/version")" = 1.1 ]
	[ "$(refusal "wss${TERMINAL#ws}/$id" --cacert "$TEST/tls.pem" -H "Origin: http://$COMPUTE")" = "403 compute.origin.forbidden" ]
	EXC_CA=$TEST/tls.pem EXC_ORIGIN=https://$COMPUTE client bytes_of "wss${TERMINAL#ws}/$id" "seq 100000"
	[ "$(tail -n 99999 "$TEST/out" | tr -d '\r' | sha256sum)" = "$(seq 2 100000 | sha256sum)" ]
}

@test "fifty terminals are open at once, and not one more than there may be" {
	configure 'sockets_max = 50'
	TOKEN_BO=$(connectd token add user:many --instance '*')
	urls=()
	for i in {1..50}; do
		[ "$i" -le 25 ] || TOKEN=$TOKEN_BO
		urls+=("$TERMINAL/$(session)")
	done
	more=$(session)
	before=$(rss)
	WAIT_SECONDS=90 background all many "${urls[@]}"
	[ "$(our_ssh | wc -l)" -eq 50 ]
	echo "# 50 terminals: the server grew by $(($(rss) - before)) kB" >&3
	[ "$(refusal "$TERMINAL/$more")" = "429 compute.sockets.full" ]
	operator curl -s "http://$COMPUTE/metrics" | grep -Fx 'exc_connectd_sockets_open{kind="terminal"} 50'
	tell all
	[ "$(tail -n 1 "$TEST/all.out")" = 50 ]
	wait_for no_ssh
	operator curl -s "http://$COMPUTE/metrics" | grep -Fx 'exc_connectd_sockets_open{kind="terminal"} 0'
}

@test "one principal cannot take all the sockets" {
	configure
	urls=()
	for ((i = 0; i < SOCKETS_PER_PRINCIPAL; i++)); do
		urls+=("$TERMINAL/$(session)")
	done
	WAIT_SECONDS=90 background all many "${urls[@]}"
	[ "$(refusal "$TERMINAL/$(session)")" = "429 compute.sockets.full" ]
	TOKEN=$(connectd token add user:other --instance '*')
	client command "$TERMINAL/$(session)" true
	tell all
}

@test "100 MiB go through the tunnel and come back identical" {
	key=$(ask ubuntu)
	head -c 104857600 /dev/urandom >"$TEST/file"
	expected=$(sha256sum <"$TEST/file")
	begin=$EPOCHREALTIME
	# shellcheck disable=SC2046 # a list of options
	got=$(operator ssh $(ssh_options) -i "$key" -o ProxyCommand="$PYTHON $here/terminal.py pump $TUNNEL/$(jq -r .id "$key.answer")" \
		"ubuntu@$GUEST_ADDRESS" cat <"$TEST/file" 2>/dev/null | sha256sum)
	tunnel=$EPOCHREALTIME
	[ "$got" = "$expected" ]
	key=$(ask ubuntu)
	# shellcheck disable=SC2046
	operator ssh $(ssh_options) -i "$key" "ubuntu@$GUEST_ADDRESS" cat <"$TEST/file" | sha256sum
	plain=$EPOCHREALTIME
	echo "# both ways through the tunnel $((${tunnel/./} / 1000 - ${begin/./} / 1000)) ms, by plain ssh $((${plain/./} / 1000 - ${tunnel/./} / 1000)) ms" >&3
	rm "$TEST/file"
}

@test "a tunnel resolves names, half closes, and says why it cannot connect" {
	operator "$PYTHON" -c '
import socket, sys
server = socket.create_server(("127.0.0.1", 2299))
print("ready", flush=True)
peer, _ = server.accept()
seen = b""
while part := peer.recv(4096):
    seen += part
peer.sendall(b"%d bytes, the last of them %r" % (len(seen), seen[-1:]))' >"$TEST/server" 2>&1 3>&- &
	SERVER_PID=$!
	wait_for grep -q ready "$TEST/server"
	connectd instance add 43 --address 192.0.2.43 --host localhost --port 2299
	client half "$TUNNEL/$(session 43)" hello
	[ "$output" = "5 bytes, the last of them b'o'" ]
	[ "$closed" = "1000 the instance has closed the connection" ]
	client half "$TUNNEL/$(session 43)" hello
	[ "$closed" = "1011 cannot connect to the instance: Connection refused" ]
	connectd instance remove 43
	connectd instance add 43 --address 192.0.2.43 --host no-such-name.invalid --port 2299
	client half "$TUNNEL/$(session 43)" hello
	[ "$closed" = "1011 cannot connect to the instance: its name has no address" ]
	connectd instance remove 43
	[ "$(rows tunnel | tail -n 1 | cut -d' ' -f1-3)" = "43 user:ana closed:" ]
}

@test "the console of a real virtual machine that says nothing until a key is pressed" {
	as --32 "$here/boot_sector.s" -o "$TEST/boot.o"
	ld -m elf_i386 -Ttext 0x7c00 --oformat binary "$TEST/boot.o" -o "$TEST/boot"
	connectd instance add 43 --address 192.0.2.43 --host "$GUEST_ADDRESS" --console "$TEST/console"
	[ "$(refusal "$CONSOLE/43" -H "Authorization: Bearer $TOKEN")" = "503 compute.console.unreachable" ]
	qemu-system-x86_64 -machine accel=tcg -m 16 -display none -monitor none -nic none \
		-drive "file=$TEST/boot,format=raw,if=floppy" -serial "unix:$TEST/console,server=on,wait=off" \
		>"$TEST/qemu" 2>&1 3>&- </dev/null &
	QEMU_PID=$!
	wait_for test -S "$TEST/console"
	export EXC_TOKEN=$TOKEN
	client console "$CONSOLE/43" x 'login: '
	[[ "$output" != *unasked* ]]
	[[ "$output" == *"guest login: "* ]]
	# It takes one at a time, and the next one when that has gone.
	background one idle "$CONSOLE/43"
	[ "$(refusal "$CONSOLE/43" -H "Authorization: Bearer $TOKEN")" = "409 compute.console.busy" ]
	kill -KILL "$QEMU_PID"
	wait_for grep -q '^1000 the console has ended' "$TEST/one.err"
	unset EXC_TOKEN
	[ "$(refusal "$CONSOLE/43")" = "401 compute.auth.invalid_token" ]
	connectd policy put connect-only - <<<'{"Version":"2012-10-17","Statements":[{"Effect":"Allow","Action":"compute:instance:connect","Resource":"*"}]}'
	connectd principal add user:di
	connectd policy attach connect-only user:di
	connectd token add user:di >"$TEST/di"
	[ "$(refusal "$CONSOLE/43" -H "Authorization: Bearer $(<"$TEST/di")")" = "403 compute.instance.forbidden" ]
	[ "$(refusal "$CONSOLE/42" -H "Authorization: Bearer $TOKEN")" = "404 compute.console.none" ]
	connectd instance remove 43
	rows console | grep -Fx '43 user:ana opened'
	rows console | grep '^43 user:ana closed: the console has ended; '
}

@test "a console that is a terminal passes bytes on as they are, and a link is not followed" {
	"$PYTHON" -c '
import os, pty, sys
master, slave = pty.openpty()
os.symlink(os.ttyname(slave), sys.argv[1])
print("key", os.read(master, 16))
os.write(master, b"one\ntwo login: ")
os.read(master, 16)' "$TEST/link" >"$TEST/pty" 2>&1 3>&- </dev/null &
	SERVER_PID=$!
	wait_for test -L "$TEST/link"
	connectd instance add 43 --address 192.0.2.43 --host "$GUEST_ADDRESS" --console "$TEST/link"
	[ "$(refusal "$CONSOLE/43" -H "Authorization: Bearer $TOKEN")" = "503 compute.console.unreachable" ]
	connectd instance remove 43
	connectd instance add 43 --address 192.0.2.43 --host "$GUEST_ADDRESS" --console "$(readlink "$TEST/link")"
	EXC_TOKEN=$TOKEN client console "$CONSOLE/43" x 'login: '
	[[ "$output" != *unasked* ]]
	# No line feed became two characters, and nothing was echoed to the guest.
	[ "$(od -An -c "$TEST/out" | tr -d ' \n')" = 'ready\none\ntwologin:\n' ]
	connectd instance remove 43
}

@test "the private half is in no file, no argument, and not in memory once it was used" {
	id=$(session)
	jq -r .private_key "$TEST/session" | sed -n 3p >"$TEST/secret"
	rm "$TEST/session"
	background one hold "$TERMINAL/$id"
	pid=$(connectd_pid)
	[ "$(wc -c <"$TEST/secret")" -gt 60 ]
	# Others' files may go while they are read.
	run sh -c 'grep -rslaF -f "$1" --exclude=secret "$2"/connectd.* /tmp /dev/shm /run 2>/dev/null' sh "$TEST/secret" "$GUEST_DIR"
	echo "found in: $output"
	[ -z "$output" ]
	run sh -c 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\0" "\n" | grep -aF -f "$1"' sh "$TEST/secret"
	[ -z "$output" ]
	[[ "$(tr '\0' ' ' <"/proc/$(our_ssh)/environ")" == "TERM=xterm-256color " ]]
	run sh -c 'ls -l "/proc/$1/fd" | grep memfd' sh "$pid"
	[ -z "$output" ]
	"$PYTHON" - "$pid" "$TEST/secret" <<'END'
import sys
pid, secret = sys.argv[1], open(sys.argv[2], "rb").read().strip()
with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
    for line in maps:
        place, mode, *rest = line.split()
        begin, end = (int(number, 16) for number in place.split("-"))
        if mode.startswith("rw") and "[vvar" not in line:
            memory.seek(begin)
            assert secret not in memory.read(end - begin), line
END
	tell one
}

@test "each socket's opening and closing is in the trail, and the chain holds" {
	client framed "$TERMINAL/$(session)" 'exit 5'
	grant=$(jq -r .fingerprint "$TEST/session")
	connectd audit --json | jq '[.[] | select(.event == "terminal")] | .[-2:]' >"$TEST/trail"
	[ "$(jq -r '.[] | "\(.event) \(.caller) \(.user) \(.vm_id) \(.source)"' "$TEST/trail" | sort -u)" = "terminal user:ana ubuntu 42 127.0.0.1" ]
	[ "$(jq -r '.[].fingerprint' "$TEST/trail" | sort -u)" = "$grant" ]
	[ "$(jq -r '.[].jti' "$TEST/trail" | sort -u | wc -l)" -eq 1 ]
	[ "$(jq -r '.[0].reason' "$TEST/trail")" = opened ]
	jq -er '.[1].reason | test("^closed: exit status 5; 7 bytes in, [0-9]+ out$")' "$TEST/trail"
	connectd audit verify
}

@test "what is no upgrade, or not for here, is told so" {
	id=$(session)
	code=$(operator curl -s -o "$TEST/answer" -w '%{http_code}' "http://$COMPUTE/compute/instance/connect/ws/$id")
	[ "$code $(jq -r .error.code "$TEST/answer")" = "426 compute.upgrade_required" ]
	[ "$(refusal "ws://$COMPUTE/compute/instance/connect/wss/$id")" = "404 compute.not_found" ]
	[ "$(refusal "$TERMINAL/$id" -H 'Sec-WebSocket-Protocol: tty')" = "400 compute.socket.subprotocol" ]
	[ "$(refusal "$TUNNEL/$id" -H 'Sec-WebSocket-Protocol: exc.terminal.v1')" = "400 compute.socket.subprotocol" ]
	[ "$(refusal "ws://$METADATA_ADDRESS/v1/instance-connect/grants" -H 'X-Exc-Metadata: 1')" = "404 metadata.not_found" ]
	# Nothing of which took the session.
	client command "$TERMINAL/$id" true
}
