#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The control plane as a service on a stock Debian, as docs/operate.md says it: installed from a repository, set up
# by root, used, rebooted, upgraded, removed and purged. The tests are one story and follow each other.

load file_machine

setup_file() {
	file_machine_allowed || return 0
	packages_ready
	previous_version "$BATS_FILE_TMPDIR/previous" exc-connectd
	machine_prepare "$BATS_FILE_TMPDIR/previous"
	machine_boot "$STOCK_ROOT"
	apt_sources | guest sh -c 'cat >/etc/apt/sources.list'
	# Where the metadata endpoint is by default
	in_network ip address add "$METADATA_ADDRESS/32" dev lo
	guest find / -xdev -name '*exc-connectd*' >"$GUEST_DIR/before"
}

setup() {
	file_machine_ready
	URL=http://127.0.0.1:8443
}

# Run one of this machine's programs in the guest's network: a stock guest has no curl.
in_network() { nsenter -t "$(<"$GUEST_DIR/guest.pid")" -n -- "$@"; }
main_pid() { guest systemctl show -P MainPID exc-connectd; }
version() { guest dpkg-query -W -f '${Version}' exc-connectd; }

# connect [CURL OPTION...]: ask for a key; print the HTTP status, and leave the answer in $GUEST_DIR/answer
connect() {
	in_network curl -s --max-time 10 -o "$GUEST_DIR/answer" -w '%{http_code}' "$@" \
		-H "Authorization: Bearer $(guest cat /root/ana.token)" -d '{"vm_id": 42, "user": "ubuntu"}' \
		"$URL/compute/instance/connect"
}
connects() { [ "$(connect "$@")" = 200 ]; }

# all_of_the_service: is all of the state the service's, and nobody else's business?
all_of_the_service() {
	guest ls -la /var/lib/exc-connectd
	[ "$(guest stat -c '%U %G %a' /var/lib/exc-connectd)" = "exc-connectd exc-connectd 700" ]
	[ -z "$(guest find /var/lib/exc-connectd -mindepth 1 ! \( -user exc-connectd -group exc-connectd -perm 0600 \))" ]
}

# certificate NAME: make one, where the service reads it
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj "/CN=$1" \
		-addext "subjectAltName=IP:$GUEST_ADDRESS" -keyout "$GUEST_DIR/tls.key" -out "$GUEST_DIR/tls.pem" 2>/dev/null
	guest install -m 0644 /dev/stdin /etc/ssl/control.pem <"$GUEST_DIR/tls.pem"
	guest install -m 0400 -o exc-connectd /dev/stdin /etc/ssl/control.key <"$GUEST_DIR/tls.key"
}
# The name on the certificate that people are shown
shown() {
	operator openssl s_client -connect "$GUEST_ADDRESS:443" </dev/null 2>/dev/null |
		openssl x509 -noout -subject | sed 's/.*= *//'
}
is_shown() { [ "$(shown)" = "$1" ]; }

@test "installing makes a user and its folder, and starts nothing" {
	# The documented sequence, for another package
	guest bash -euc "$(document_block docs/install.md "Install from a repository" 1 | sed '$d')"
	yes | guest apt install exc-connectd
	all_of_the_service
	guest systemctl preset exc-connectd # as a first boot does with every unit
	[ "$(guest systemctl is-enabled exc-connectd || true)" = disabled ]
	[ "$(guest systemctl is-active exc-connectd || true)" = inactive ]
	guest dpkg --verify exc-connectd
}

@test "the documented sequence starts it, and whoever got a token from root gets a key" {
	host_key=$(guest cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)
	guest bash -euc "cd /root; $(document_block docs/operate.md "Set up a control plane" 1 |
		sed -e "s|10\.0\.0\.42|$GUEST_ADDRESS|" -e "s|'ssh-ed25519 .*'|'$host_key'|")"
	[ "$(guest systemctl is-active exc-connectd)" = active ]
	connects
	[ "$(jq -r '.host_keys[0]' "$GUEST_DIR/answer")" = "$host_key" ]
	all_of_the_service
	journal _SYSTEMD_UNIT=exc-connectd.service EXC_EVENT=issued >"$GUEST_DIR/entries"
	[ "$(jq -r '[.EXC_CALLER, .EXC_USER, .EXC_VM_ID, .SYSLOG_IDENTIFIER, .EXC_FINGERPRINT] | join(" ")' "$GUEST_DIR/entries")" = \
		"user:ana ubuntu 42 exc-connectd $(jq -r .fingerprint "$GUEST_DIR/answer")" ]
	[ -z "$(journal _SYSTEMD_UNIT=exc-connectd.service | grep libwebsockets)" ]
}

@test "the service is allowed nothing that it does not need" {
	guest systemd-analyze verify --man=no exc-connectd.service
	exposure=$(guest systemd-analyze --no-pager security exc-connectd.service)
	echo "$exposure"
	# 2.0 is what it may have.
	awk '/Overall exposure level/ { good = $(NF - 2) <= 2.0 } END { exit !good }' <<<"$exposure"
	pid=$(main_pid)
	[ "$(guest awk '/^(Uid|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):/ { print $1 $2 }' "/proc/$pid/status")" = \
"Uid:$(guest id -u exc-connectd)
CapPrm:0000000000000400
CapEff:0000000000000400
CapBnd:0000000000000400
CapAmb:0000000000000400
NoNewPrivs:1
Seccomp:2" ]
	[ "$(guest awk '/^Max core file size/ { print $5, $6 }' "/proc/$pid/limits")" = "0 0" ]
}

# What terminals in a browser will be: ssh in a terminal of its own, with a key that is a file of its parent's.
@test "it may run ssh in a terminal, with a key that has no name" {
	guest sh -c 'cat >/usr/local/bin/terminal; chmod 0755 /usr/local/bin/terminal' <<'END'
#!/bin/bash
set -euo pipefail
key=/var/lib/exc-connectd/key
case $1 in
make) ssh-keygen -q -t ed25519 -N '' -f $key ;;
open)
	exec 7<$key
	rm $key $key.pub
	SHELL=/bin/sh script -qec "tty; ssh -F none -i /proc/$$/fd/7 -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -tt ubuntu@127.0.0.1 'tty; id -un'" /dev/null </dev/null
	;;
esac
END
	for step in make open; do
		guest sh -c "sed -e 's|^ExecStart=.*|ExecStart=/usr/local/bin/terminal $step|' -e 's|^Type=.*|Type=oneshot|' \
			-e '/^Restart/d' /lib/systemd/system/exc-connectd.service >/run/systemd/system/terminal-$step.service"
	done
	guest systemctl daemon-reload
	guest systemctl start terminal-make
	guest sh -c 'install -d -m 0700 -o ubuntu -g ubuntu /home/ubuntu/.ssh &&
		install -m 0600 -o ubuntu -g ubuntu /var/lib/exc-connectd/key.pub /home/ubuntu/.ssh/authorized_keys'
	guest systemctl start terminal-open || true
	output=$(journal _SYSTEMD_UNIT=terminal-open.service | jq -r .MESSAGE | tr -d '\r')
	echo "$output"
	guest rm /run/systemd/system/terminal-make.service /run/systemd/system/terminal-open.service
	# The terminal may show the end of its input as ^@ in front of what is printed.
	[ "$(grep -o '/dev/pts/\|ubuntu$' <<<"$output")" = "/dev/pts/
/dev/pts/
ubuntu" ]
}

@test "reloading takes a new certificate, on a port that needs the one capability" {
	certificate before
	guest sh -c 'cat >/etc/exc-instance-connect/connectd.conf' <<END
compute_listen = $GUEST_ADDRESS:443
compute_certificate = /etc/ssl/control.pem
compute_private_key = /etc/ssl/control.key
END
	guest systemctl restart exc-connectd
	is_shown before
	pid=$(main_pid)
	certificate after
	guest systemctl reload exc-connectd
	wait_for is_shown after
	[ "$(main_pid)" = "$pid" ]
	URL=https://$GUEST_ADDRESS connects --cacert "$GUEST_DIR/tls.pem"
}

@test "it serves again after a reboot, and after it was killed" {
	URL=https://$GUEST_ADDRESS
	before=$(machine_pid)
	guest systemctl reboot
	WAIT_SECONDS=$BOOT_SECONDS wait_for machine_is_not "$before"
	machine_runs
	wait_for connects --cacert "$GUEST_DIR/tls.pem"
	guest systemctl kill -s KILL exc-connectd
	wait_for connects --cacert "$GUEST_DIR/tls.pem"
}

@test "an upgrade restarts it, and keeps what it has" {
	URL=https://$GUEST_ADDRESS
	[[ "$(version)" == *~previous ]]
	pid=$(main_pid)
	rows=$(guest exc-connectd audit --json | jq length)
	repository_add "$EXC_PACKAGES"
	guest apt update
	yes | guest apt install exc-connectd
	[ "$(version)" = "$(dpkg-deb -f "$(package_file "$EXC_PACKAGES" exc-connectd)" Version)" ]
	[ "$(main_pid)" != "$pid" ]
	connects --cacert "$GUEST_DIR/tls.pem"
	[ "$(guest exc-connectd audit --json | jq length)" -eq $((rows + 1)) ]
	guest exc-connectd audit verify
	all_of_the_service
}

@test "removing it stops it and keeps what it has, and purging leaves nothing" {
	yes | guest apt remove exc-connectd
	[ "$(guest systemctl is-active exc-connectd || true)" = inactive ]
	guest test -s /var/lib/exc-connectd/signing-key.pem
	guest test -e /etc/exc-instance-connect/connectd.conf
	yes | guest apt purge exc-connectd
	# The journal, and what apt has of the repository, are the machine's own.
	[ -z "$(guest find / -xdev \( -path /var/lib/apt -o -path /var/cache/apt -o -path /var/log \) -prune -o -name '*exc-connectd*' -print |
		grep -vxFf "$GUEST_DIR/before")" ]
	run guest test -e /etc/exc-instance-connect
	[ "$status" -eq 1 ]
	for database in passwd group; do
		run guest getent "$database" exc-connectd
		[ "$status" -eq 2 ]
	done
	[ "$(guest systemctl is-system-running)" = running ]
}
