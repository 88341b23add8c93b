# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Other ways to the metadata endpoint than http://169.254.169.254: by IPv6, https, and names.

front_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# front ARGUMENT...: front.py in the guest's network, until the guest stops
front() {
	local out
	out=$(mktemp "$GUEST_DIR/front.XXXXXX")
	nsenter -t "$(<"$GUEST_DIR/guest.pid")" -n -- "$PYTHON" "$front_here/front.py" "$@" >"$out" 2>&1 3>&- </dev/null &
	echo $! >>"$GUEST_DIR/fronts"
	wait_for grep -q ready "$out"
}

# The endpoint on ports 8080 and, with https, 8443 of 127.0.0.2 and fd97::2, in the guest
fronts_start() {
	local address
	nsenter -t "$(<"$GUEST_DIR/guest.pid")" -n -- ip address add fd97::2/128 dev lo nodad
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$GUEST_DIR/tls.key" -out "$GUEST_DIR/tls.pem" \
		-subj /CN=metadata -addext "subjectAltName=DNS:metadata.test,IP:127.0.0.2,IP:fd97::2" -days 1 2>/dev/null
	for address in 127.0.0.2 fd97::2; do
		front relay "$address" 8080 "$METADATA_ADDRESS" 80
		front relay "$address" 8443 "$METADATA_ADDRESS" 80 "$GUEST_DIR/tls.pem" "$GUEST_DIR/tls.key"
	done
	guest install -m 0644 /dev/stdin /usr/local/share/ca-certificates/metadata.crt <"$GUEST_DIR/tls.pem"
	guest update-ca-certificates >"$GUEST_DIR/update-ca-certificates.log" 2>&1
}

fronts_stop() {
	local pid
	[ -n "${GUEST_DIR-}" ] && [ -e "$GUEST_DIR/fronts" ] || return 0
	while read -r pid; do
		kill "$pid" 2>/dev/null
	done <"$GUEST_DIR/fronts"
}

# name_in_hosts [NAME ADDRESS]: the guest's /etc/hosts knows this name, and no other of the tests' any more
name_in_hosts() {
	guest sh -c 'sed "/\.test$/d" /etc/hosts >/etc/hosts.new
		[ -z "$1" ] || echo "$2 $1" >>/etc/hosts.new
		chmod 0644 /etc/hosts.new
		mv /etc/hosts.new /etc/hosts' sh "${1-}" "${2-}"
}

# name_in_dns NAME ADDRESS: the guest's DNS knows this name, and nothing else
name_in_dns() {
	front name 127.0.0.3 53 "$1" "$2"
	guest sh -c 'rm -f /etc/resolv.conf
		echo "nameserver 127.0.0.3" >/etc/resolv.conf
		chmod 0644 /etc/resolv.conf'
}

# logs_in_by URL: a one-time key does, and the journal has it
logs_in_by() {
	forget_events
	agent_conf "metadata_url = $1"
	login "$(ask ubuntu)" ubuntu true && [ "$(events EVENT)" = "offered
used" ] && return
	events EVENT REASON
	return 1
}

# logs_in_by_name NAME: the same, through the fronts at this name, with https and without
logs_in_by_name() {
	logs_in_by "http://$1:8080" && logs_in_by "https://$1:8443"
}
