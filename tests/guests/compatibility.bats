#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# sshd of a release, set up in other ways than the release has it: what an ordinary key and a one-time key do there, and
# what a restricted key may do, is what docs/compatibility.md says. tests/compatibility writes that page by these tests.

load file_machine
load ../e2e/other_sshd
load ../e2e/page

PORT=2200
PARALLEL=12
# What makes of sshd's stack one without our line
NOT_COMMON='s/^@include common-session$/session required pam_unix.so/'
SSHD_UNDER="systemd-run -q --collect --service-type=exec"

setup_file() {
	file_machine_start
	[ -z "$OBSTACLE" ] || return 0
	{
		echo 'MaxStartups 200:30:400'
		# Here keys are refused on purpose, many times, from one address.
		! guest /usr/sbin/sshd -T | grep -q '^persourcepenalties' || echo 'PerSourcePenalties no'
		echo 'XAuthLocation /run/xauth'
	} >"$GUEST_DIR/for_tests"
	guest sh -c 'cat >/etc/ssh/sshd_config.d/10-tests.conf' <"$GUEST_DIR/for_tests"
	# sshd forwards X11 where there is a program that takes the cookie.
	printf '#!/bin/sh\ncat >/dev/null\n' | guest install -m 0755 /dev/stdin /run/xauth
	guest systemctl reload ssh
	wait_for sshd_answers
	other_ways
	install_package
	guest_trust
	# The release's own, for sshds beside it; ours apart
	guest grep -v '^Include' /etc/ssh/sshd_config | cat "$GUEST_DIR/for_tests" - >"$GUEST_DIR/sshd_config.without"
	guest /usr/sbin/sshd -T | grep '^authorizedkeyscommand' >"$GUEST_DIR/ours"
	cat "$GUEST_DIR/ours" "$GUEST_DIR/sshd_config.without" >"$GUEST_DIR/sshd_config"
	# By pam-auth-update, our line is in what sshd's stack includes.
	guest cp -p /etc/pam.d/common-session /run/common-session
	guest grep -q pam_exc_instance_connect /run/common-session
	# The control plane, too, refuses a key that it knows was used. What is measured is the guest.
	sqlite3 "$GUEST_DIR/connectd.db" \
		"CREATE TRIGGER forget_use BEFORE UPDATE OF used_at ON grants BEGIN SELECT RAISE(IGNORE); END"
	page_version "$EXC_RELEASE" "OpenSSH $(guest sh -c 'ssh -V 2>&1' | sed 's/^OpenSSH_\([^ ,]*\).*/\1/')"
}

setup() {
	file_machine_ready
	prove_pam
}

teardown() {
	[ -n "${GUEST_DIR-}" ] || return 0
	[ -z "${agent-}" ] || kill "$agent"
	guest systemctl stop other-sshd.socket 2>/dev/null || true
	other_sshd_stop $PORT
	guest mount -o remount,hidepid=0 /proc
	guest sh -c 'cmp -s /run/common-session /etc/pam.d/common-session || cp /run/common-session /etc/pam.d/common-session
		[ ! -e /run/pam-sshd ] || mv /run/pam-sshd /etc/pam.d/sshd
		rm -f /etc/pam.d/other-sshd'
}

# What comes in place of "echo in" when a key is tried: by_key PORT KEY prints "in" if it logs in
by_key() { login_at "$1" "$2" ubuntu echo in 2>/dev/null; }
# A key, and then the password
by_key_and_password() {
	# shellcheck disable=SC2046 # a list of options
	SSH_ASKPASS=$GUEST_DIR/askpass SSH_ASKPASS_REQUIRE=force DISPLAY=:0 operator ssh -o BatchMode=no $(ssh_options) \
		-o NumberOfPasswordPrompts=1 -n -p "$1" -i "$2" "ubuntu@$GUEST_ADDRESS" echo in 2>/dev/null
}

# times TRY PORT KEY TIMES: how often the key gets in
times() {
	local i in=0
	for ((i = 0; i < $4; i++)); do
		[ "$("$1" "$2" "$3")" != in ] || in=$((in + 1))
	done
	echo "$in"
}

# outcome OFTEN ORDINARY: in words, of how often a one-time key and an ordinary one got in
outcome() {
	local reason
	if [ "$2" -eq 0 ]; then
		echo "**the ordinary key is locked out**"
	elif [ "$1" -gt 1 ]; then
		echo "**$1 times**"
	elif [ "$1" -eq 1 ]; then
		echo once
	else
		reason=$(events EVENT REASON | sed -n 's/^[a-z]* \([a-z_]\+\)$/\1/p' | head -n 1)
		echo "not offered${reason:+, \`$reason\`}"
	fi
}

# row NAME COMMAND...: the page's cell for this release is what COMMAND prints in each mode; auto's, and what differs
row() {
	local mode said auto cell
	for mode in auto pam connection; do
		agent_conf "single_use = $mode"
		forget_events
		said=$("${@:2}") || return
		if [ "$mode" = auto ]; then
			auto=$said cell=$said
		elif [ "$said" != "$auto" ]; then
			cell="$cell; with \`$mode\` $said"
		fi
	done
	page_agrees sshd "$EXC_RELEASE" "$1" "$cell"
}

# logins PORT [TRY]: of one key after the other
logins() {
	local ordinary
	ordinary=$(times "${2:-by_key}" "$1" "$GUEST_DIR/keys/ordinary-ubuntu" 1)
	outcome "$(times "${2:-by_key}" "$1" "$(ask ubuntu)" 2)" "$ordinary"
}

# forwards KEY NUMBER: how many of as many connections at once get through
forwards() {
	local i
	rm -f "$BATS_TEST_TMPDIR"/forward.*
	for ((i = 0; i < $2; i++)); do
		# shellcheck disable=SC2046 # a list of options
		operator timeout "$WAIT_SECONDS" ssh $(ssh_options) -i "$1" -W "127.0.0.1:22" "ubuntu@$GUEST_ADDRESS" \
			</dev/null >"$BATS_TEST_TMPDIR/forward.$i" 2>/dev/null 3>&- &
	done
	wait
	cat "$BATS_TEST_TMPDIR"/forward.* | grep -ac '^SSH-2.0' || true
}
parallel() {
	local ordinary
	ordinary=$(forwards "$GUEST_DIR/keys/ordinary-ubuntu" 1)
	outcome "$(forwards "$(ask ubuntu)" $PARALLEL)" "$ordinary"
}

# with_match CRITERION: an sshd that has ours for those only
with_match() {
	{
		cat "$GUEST_DIR/sshd_config.without"
		echo "Match $1"
		cat "$GUEST_DIR/ours"
	} | other_sshd_config $PORT
	other_sshd_run $PORT
}

@test "as it is installed" { row "as installed" logins 22; }

@test "/proc hides processes" {
	guest mount -o remount,hidepid=2 /proc
	row "\`/proc\` with \`hidepid=2\`" logins 22
}

@test "a PAM stack without our line" {
	guest sed -i /pam_exc_instance_connect/d /etc/pam.d/common-session
	prove_pam
	row "PAM without our line" logins 22
}

@test "a PAM stack without our line, where the service other has it" {
	guest cp -p /etc/pam.d/sshd /run/pam-sshd
	guest sed -i "$NOT_COMMON" /etc/pam.d/sshd
	prove_pam
	row "PAM with our line for \`other\` alone" logins 22
}

@test "$PARALLEL connections at once that only forward" {
	row "$PARALLEL times \`ssh -W\` at once" parallel
}

@test "UsePAM no" {
	other_sshd $PORT "UsePAM no"
	row "\`UsePAM no\`" logins $PORT
}

# with_service STACK: an sshd whose PAM service has another name, and this stack. Fails if this sshd has no such setting.
with_service() {
	guest sh -c 'cat >/etc/pam.d/other-sshd'
	prove_pam
	guest /usr/sbin/sshd -t -o PAMServiceName=other-sshd || return
	other_sshd $PORT "PAMServiceName other-sshd"
}
@test "PAM services of other names" {
	for line in with without; do
		name="\`PAMServiceName\` of a stack $line our line"
		if guest cat /etc/pam.d/sshd |
			{ [ $line = with ] && cat || sed "$NOT_COMMON"; } |
			with_service; then
			row "$name" logins $PORT
			other_sshd_stop $PORT
		else
			page_agrees sshd "$EXC_RELEASE" "$name" "–"
		fi
	done
}

@test "settings in Match blocks of each kind" {
	while read -r criterion; do
		with_match "$criterion"
		row "in \`Match ${criterion%% *}\`" logins $PORT
		other_sshd_stop $PORT
	done <<-END
		User ubuntu
		Group ubuntu
		Host 10.97.0.*
		Address $OPERATOR_ADDRESS/32
		LocalAddress $GUEST_ADDRESS
		LocalPort $PORT
	END
}

@test "a second factor" {
	other_sshd $PORT "PasswordAuthentication yes" "AuthenticationMethods publickey,password"
	row "\`AuthenticationMethods publickey,password\`" logins $PORT by_key_and_password
	other_sshd_stop $PORT
	# Debian 11 has another name for it.
	other_sshd $PORT "KbdInteractiveAuthentication yes" "ChallengeResponseAuthentication yes" \
		"AuthenticationMethods publickey,keyboard-interactive"
	row "\`AuthenticationMethods publickey,keyboard-interactive\`" logins $PORT by_key_and_password
}

@test "sshd -i, which a socket of systemd's starts for each connection" {
	other_sshd_config $PORT <"$GUEST_DIR/sshd_config"
	# As Debian's own ssh@.service
	printf '[Socket]\nListenStream=%s\nAccept=yes\n' $PORT |
		guest sh -c 'cat >/run/systemd/system/other-sshd.socket'
	printf '[Service]\nExecStart=-/usr/sbin/sshd -i -f %s\nStandardInput=socket\n' "/run/sshd_config.$PORT" |
		guest sh -c 'cat >/run/systemd/system/other-sshd@.service'
	guest systemctl daemon-reload
	guest systemctl start other-sshd.socket
	row "\`sshd -i\` by a socket, as inetd does" logins $PORT
}

# What the grants of a restricted key can allow
PERMISSIONS="pty port_forwarding agent_forwarding x11_forwarding"

# restrict PERMISSION...: the claim that allows these alone
restrict() {
	jq -nc '$ARGS.positional as $allowed | ($all | split(" ")) | map({key: ., value: (IN($allowed[]))}) | from_entries' \
		--arg all "$PERMISSIONS" --args "$@"
}

# restricted_key RESTRICT: a one-time key of root's with this claim
restricted_key() {
	local key
	key=$(ask root)
	"$PYTHON" "$machine_here/../e2e/regrant.py" "$GUEST_DIR/connectd.db" "$GUEST_DIR/signing-key.pem" \
		"$(jq -r .fingerprint "$key.answer")" "$1"
	echo "$key"
}

guest_has_tunnel() { guest cat /proc/net/dev | grep -q 'tun[0-9]*:'; }
no_tunnel() { ! guest_has_tunnel; }
# tunnel_is_decided FILE: it is there, or ssh has said in the file that it is not
tunnel_is_decided() { guest_has_tunnel || grep -q 'Tunnel forwarding failed' "$1"; }

# works PORT RESTRICT: all that such keys can do, in a connection that asks for all but a terminal, and in one that
# asks for that: ssh ends if it gets none
works() {
	local key ssh session from=127.0.0.1:2201 socks=127.0.0.1:2202 folder=$BATS_TEST_TMPDIR
	key=$(restricted_key "$2")
	guest rm -f /run/rc.ran
	rm -f "$folder/in"
	: >"$folder/local"
	mkfifo "$folder/in"
	# shellcheck disable=SC2046,SC2016 # a list of options; for the shell over there
	operator env DISPLAY=:0 SSH_AUTH_SOCK="$GUEST_DIR/agent" timeout 60 \
		ssh $(ssh_options | sed 's/-o IdentityAgent=none//') -p "$1" -A -Y -L "$from:127.0.0.1:22" -D "$socks" -R 2203:127.0.0.1:8443 $TUN -i "$key" "root@$GUEST_ADDRESS" '
			ssh-add -l >/dev/null 2>&1
			[ $? -ne 1 ] || echo agent # which has no key
			display=${DISPLAY#localhost:}
			[ -z "$DISPLAY" ] || ! (exec 3<>/dev/tcp/127.0.0.1/$((6000 + ${display%.*}))) 2>/dev/null || echo X11
			[ ! -e /run/rc.ran ] || echo rc
			! (exec 3<>/dev/tcp/127.0.0.1/2203 && printf "GET / HTTP/1.0\r\n\r\n" >&3 && grep -q HTTP <&3) 2>/dev/null ||
				printf "%s\n" -R
			echo ready
			read -r end
			kill $PPID # ssh waits for the tunnel' \
		<"$folder/in" >"$folder/out" 2>"$folder/error" 3>&- &
	ssh=$!
	exec {session}>"$folder/in"
	wait_for grep -q ready "$folder/out" || {
		cat "$folder/error" "$folder/out" >&2
		exec {session}>&-
		return 1
	}
	[ -z "$TUN" ] || wait_for tunnel_is_decided "$folder/error"
	! guest_has_tunnel || echo tun >>"$folder/local"
	! operator timeout 20 bash -c "exec 3<>/dev/tcp/${from/://} && head -c 4 <&3" 2>/dev/null | grep -aq SSH- ||
		printf '%s\n' -L >>"$folder/local"
	! operator curl -s --max-time 20 --http0.9 --socks5 "$socks" http://127.0.0.1:22/ | grep -aq SSH- ||
		printf '%s\n' -D >>"$folder/local"
	echo >&"$session"
	exec {session}>&-
	wait "$ssh" || true
	wait_for no_tunnel
	key=$(restricted_key "$2")
	# shellcheck disable=SC2046 # a list of options
	operator ssh $(ssh_options) -p "$1" -tt -i "$key" "root@$GUEST_ADDRESS" 'tty -s && echo pty' \
		</dev/null 2>"$folder/error" | tr -d '\r' >>"$folder/local"
	grep -qx pty "$folder/local" || grep -q 'PTY allocation request failed' "$folder/error" || return
	cat "$folder/out" "$folder/local" | grep -x -e pty -e agent -e X11 -e rc -e tun -e '-[LRD]' | sort | paste -sd,
}

# allows ROW PORT RESTRICT
allows() {
	local said
	said=$(works "$2" "$3") || return
	page_agrees restrictions "$EXC_RELEASE" "$1" "$(sed 's/,/, /g; s/-[LRD]/`&`/g' <<<"${said:-nothing}")"
}

@test "a restricted key can do what its grant allows, and nothing else" {
	ssh-agent -D -a "$GUEST_DIR/agent" >/dev/null 2>&1 3>&- </dev/null &
	agent=$! # teardown ends it
	guest sh -c 'mkdir -p /root/.ssh /dev/net && echo "touch /run/rc.ran; cat >/dev/null" >/root/.ssh/rc
		[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200'
	TUN=
	[ ! -c /dev/net/tun ] || TUN="-w any:any"
	agent_conf
	allows "all: no \`restrict\`" 22 null
	allows "nothing" 22 "$(restrict)"
	for permission in $PERMISSIONS; do
		allows "\`$permission\`" 22 "$(restrict "$permission")"
	done
	if [ -n "$TUN" ]; then
		other_sshd $PORT "PermitTunnel yes"
		allows "nothing, but sshd has \`PermitTunnel yes\`" $PORT "$(restrict)"
	fi
}
