# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # shares names with guest.bash
# guest.bash without namespaces, on a machine that may be thrown away: for `demo --in-place`.

guest() { "$@"; }
operator() { "$@"; }
operator_proc() { "$@"; }
GUEST_ADDRESS=127.0.0.1

# The first port from 2222 on that nobody listens on
free_port() {
	local port
	for ((port = 2222; port < 2322; port++)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
	return 1
}

# Things that setting up may add, one path or user a line, to tell what was there before.
inventory() {
	local user
	for user in ubuntu ana exc-instance-connect; do
		! id "$user" >/dev/null 2>&1 || echo "user $user"
	done
	ls -d /etc/ssh/ssh_host_* /run/sshd /etc/exc-instance-connect /var/lib/exc-instance-connect \
		/run/exc-instance-connect /etc/systemd/journald.conf.d /run/log/journal /run/systemd/journal \
		2>/dev/null
	(cd "$EXC_BUILD/stage" && find . -type f) | sed 's/^\.//' | while read -r user; do
		[ ! -e "$user" ] || echo "$user"
	done
	true
}

guest_start_in_place() {
	local port host_key
	GUEST_DIR=$(mktemp -d)
	export GUEST_DIR
	chmod 0755 "$GUEST_DIR"
	mkdir "$GUEST_DIR/keys"
	stage_build || return
	if [ -e /usr/bin/exc-instance-connect ]; then
		echo "demo: Instance Connect is installed here; the demo would overwrite it" >&2
		return 1
	fi
	port=$(free_port) || return
	inventory >"$GUEST_DIR/before"
	cp -p /etc/pam.d/sshd "$GUEST_DIR/pam.d-sshd"
	ip addr add "$METADATA_ADDRESS/32" dev lo && touch "$GUEST_DIR/address"
	"$here/guest-setup" "$EXC_BUILD/stage" "$GUEST_DIR" 42 "$port" wired >"$GUEST_DIR/setup.log" 2>&1 </dev/null || {
		cat "$GUEST_DIR/setup.log" >&2
		return 1
	}
	SSH_OPTIONS="-p $port"
	host_key=$(cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)
	echo "[$GUEST_ADDRESS]:$port $host_key" >"$GUEST_DIR/known_hosts"
	# A machine that talks to an address of its own comes from that address.
	connectd_setup "$METADATA_ADDRESS" "$GUEST_ADDRESS" "$port" "$host_key"
	guest_trust
	connectd_start
	sshd_listens() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
	wait_for sshd_listens
}

guest_stop_in_place() {
	local name
	[ -n "${GUEST_DIR-}" ] && [ -e "$GUEST_DIR/before" ] || return 0
	connectd_stop
	for name in sshd journald; do
		[ ! -s "$GUEST_DIR/$name.pid" ] || kill "$(<"$GUEST_DIR/$name.pid")" 2>/dev/null
	done
	wait 2>/dev/null
	cp -p "$GUEST_DIR/pam.d-sshd" /etc/pam.d/sshd
	[ ! -e "$GUEST_DIR/address" ] || ip addr del "$METADATA_ADDRESS/32" dev lo
	inventory | grep -vxF -f "$GUEST_DIR/before" | while read -r name; do
		case $name in
		'user '*) userdel --remove "${name#user }" 2>/dev/null ;;
		/*) rm -rf "$name" ;;
		esac
	done
	rm -rf "$GUEST_DIR"
}
