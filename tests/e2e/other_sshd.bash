# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Further sshds in a guest, on ports of their own, and the ways in that are not ours: for tests of who gets in.

# other_sshd PORT [LINE...]: one more sshd, with these settings before those of the first. SSHD_UNDER is a command
# that runs it.
other_sshd() {
	{
		printf '%s\n' "${@:2}"
		grep -v '^Port' "$GUEST_DIR/sshd_config"
	} | other_sshd_config "$1"
	other_sshd_run "$1"
}
# other_sshd_config PORT: standard input becomes the guest's /run/sshd_config.PORT, and clients know that port's host key
other_sshd_config() {
	guest sh -c "cat >/run/sshd_config.$1"
	sed "s/^$GUEST_ADDRESS/[$GUEST_ADDRESS]:$1/" <(head -n 1 "$GUEST_DIR/known_hosts") >>"$GUEST_DIR/known_hosts"
}
# other_sshd_run PORT: start it with the configuration that is there
other_sshd_run() {
	# shellcheck disable=SC2086 # a command
	guest ${SSHD_UNDER-} /usr/sbin/sshd -D -p "$1" -f "/run/sshd_config.$1" >>"$GUEST_DIR/sshd.$1.log" 2>&1 3>&- </dev/null &
	wait_for port_answers "$1"
}
port_answers() { operator bash -c "exec 3<>/dev/tcp/$GUEST_ADDRESS/$1" 2>/dev/null; }
port_is_closed() { ! port_answers "$1"; }
other_sshd_stop() {
	guest pkill -f "^/usr/sbin/sshd -D -p $1 |^sshd: /usr/sbin/sshd -D -p $1 " || true
	wait_for port_is_closed "$1"
	sed -i "/]:$1 /d" "$GUEST_DIR/known_hosts"
}

# login_at PORT KEY USER [COMMAND...]
login_at() { SSH_OPTIONS="${SSH_OPTIONS-} -p $1" login "${@:2}"; }

# Passwords and certificates for ubuntu, beside the ordinary key
other_ways() {
	ordinary_key ubuntu >/dev/null
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/ca"
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/certified"
	ssh-keygen -q -s "$GUEST_DIR/keys/ca" -I test -n ubuntu "$GUEST_DIR/keys/certified.pub"
	guest sh -c 'echo ubuntu:a-password | chpasswd'
	printf '#!/bin/sh\necho a-password\n' >"$GUEST_DIR/askpass"
	chmod 0755 "$GUEST_DIR/askpass"
}

by_ordinary_key() { login_at "$1" "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true; }
by_certificate() { login_at "$1" "$GUEST_DIR/keys/certified" ubuntu true; }
by_password() {
	# shellcheck disable=SC2046 # a list of options
	SSH_ASKPASS=$GUEST_DIR/askpass SSH_ASKPASS_REQUIRE=force DISPLAY=:0 operator ssh -o BatchMode=no $(ssh_options) \
		-o PreferredAuthentications=password -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 -n -p "$1" \
		"ubuntu@$GUEST_ADDRESS" true
}

# all_ways PORT: everybody who could log in can
all_ways() {
	by_ordinary_key "$1" || { echo "the ordinary key is locked out" >&2; return 1; }
	by_certificate "$1" || { echo "the certificate is locked out" >&2; return 1; }
	by_password "$1" || { echo "the password is locked out" >&2; return 1; }
}

# count_logins PORT KEY USER TIMES: how many of so many logins, one after the other, get in
count_logins() {
	local i in=0
	for ((i = 0; i < $4; i++)); do
		[ "$(login_at "$1" "$2" "$3" echo in 2>/dev/null)" != in ] || in=$((in + 1))
	done
	echo "$in"
}
