#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# doctor: whatever keeps one-time keys from working is named, with the command that mends it.

load file_guest

setup_file() {
	file_guest_start stock
	[ -n "${GUEST_DIR-}" ] || return 0
	guest exc-instance-connect sshd enable
}

doctor() { guest exc-instance-connect doctor "$@"; }

# finds LEVEL NAME TEXT MEND: the one finding that is not good
finds() {
	doctor --json >"$BATS_TEST_TMPDIR/json" || true
	jq -r '.findings[] | select(.level != "good") | "\(.level)|\(.name)|\(.text)|\(.mend)"' "$BATS_TEST_TMPDIR/json" >"$BATS_TEST_TMPDIR/found"
	cat "$BATS_TEST_TMPDIR/found"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/found")" -eq 1 ] &&
		grep -q "^$1|$2|.*$3.*|.*$4" "$BATS_TEST_TMPDIR/found"
}

@test "on a guest that works everything is good, in 80 columns, with the last events" {
	login "$(ask ubuntu)" ubuntu true
	run doctor
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" != *"->"* ]]
	[[ "$output" == *"The last events:"*"one-time key used: user ubuntu"* ]]
	sed '/^The last events/,$d' <<<"$output" | awk 'length > 80 { print; bad = 1 } END { exit bad }'
	[ "$(doctor --json | jq '[.findings[] | select(.level == "good")] | length')" -ge 9 ]
	[ "$(doctor --json | jq '.events | length')" -ge 2 ]
}

# next_is WHY COMMAND: what --next prints is this, and the command is the last line
next_is() {
	run doctor --next
	echo "$output"
	[ "$status" -eq 2 ] && [[ "${lines[0]}" == "One-time keys do not log in yet: "*"$1"* ]] && [ "${lines[1]}" = "$2" ]
}

@test "what is left to do after an installation is one command, which puts it right" {
	trust="install -D -m 0644 operator.pem /etc/exc-instance-connect/trust.d/operator.pem"
	pin='echo "ID $(cat /etc/machine-id)" >/var/lib/exc-instance-connect/instance-id'
	run doctor --next
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	guest sh -c 'for tag in /sys/class/dmi/id/*_asset_tag; do [ ! -e "$tag" ] || mount --bind /dev/null "$tag"; done'
	# "auto" is there already, so that another line for it would be a mistake.
	guest sed -i 's/^instance_id.*/instance_id = auto/' /etc/exc-instance-connect/agent.conf
	next_is "which instance" "$pin && exc-instance-connect doctor"
	guest chmod go+w /etc/exc-instance-connect/trust.d
	next_is "cannot be used" "exc-instance-connect doctor"
	guest chmod go-w /etc/exc-instance-connect/trust.d
	guest mv /etc/exc-instance-connect/trust.d/operator.pem /run/
	next_is "no key of an operator" "$trust && $pin && exc-instance-connect doctor"
	guest sh -euc "cd /run && ${lines[1]/ID/42}"
	run doctor --next
	[ "$status" -eq 0 ]
	login "$(ask ubuntu)" ubuntu true
	guest rm /var/lib/exc-instance-connect/instance-id
	agent_conf "timeuot_ms = 5"
	next_is "unknown setting timeuot_ms" "exc-instance-connect doctor"
	guest sh -c 'echo "sandbox = no" >/etc/exc-instance-connect/operator.conf'
	next_is "operator.conf line 1: unknown setting sandbox" "exc-instance-connect doctor"
	agent_conf "provider = ec2"
	run doctor --next
	guest rm /etc/exc-instance-connect/operator.conf
	[ "$status" -eq 0 ]
}

@test "a typo in the configuration" {
	agent_conf "timeuot_ms = 5"
	finds bad configuration "line 3: unknown setting timeuot_ms" "fix that line"
}

@test "sshd that does not ask the agent" {
	guest exc-instance-connect sshd disable
	run finds bad "sshd's configuration" "AuthorizedKeysCommand is: none" "exc-instance-connect sshd enable"
	echo "$output"
	[[ "$output" == *"bad|sshd's configuration|AuthorizedKeysCommand is: none|exc-instance-connect sshd enable"* ]]
	[[ "$output" == *"warning|PAM|"*"|exc-instance-connect sshd enable"* ]]
	guest exc-instance-connect sshd enable
	doctor
}

@test "sshd's configuration is broken" {
	sshd_mistake
	run finds bad "sshd's configuration" "20-other.conf.*NoSuchKeyword" "sshd -t"
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	sshd_reload
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "PAM does not have the module" {
	guest sed -i.kept '/pam_exc_instance_connect/d' /etc/pam.d/sshd
	run finds warning PAM "the service sshd does not name our module" "exc-instance-connect sshd enable"
	guest mv /etc/pam.d/sshd.kept /etc/pam.d/sshd
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "PAM does not run the module, which sshd enable cannot change" {
	prove_pam
	sshd_setting 'UsePAM no'
	sshd_reload
	run finds warning PAM "sshd has UsePAM no" "grep -rsi UsePAM .*; set UsePAM yes; then: systemctl reload"
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	sshd_reload
	first=$status
	echo "$output"
	guest sed -i.kept '0,/pam_exc_instance_connect/s/^\(.*pam_exc_instance_connect\)/session sufficient pam_permit.so\n\1/' /etc/pam.d/sshd
	run finds warning PAM "" "man pam_exc_instance_connect, PROOF"
	guest mv /etc/pam.d/sshd.kept /etc/pam.d/sshd
	prove_pam
	echo "$output"
	[ "$first" -eq 0 ]
	[ "$status" -eq 0 ]
}

@test "another AuthorizedKeysCommand in sshd's files" {
	other_command 10
	run finds bad "sshd's configuration" "AuthorizedKeysCommand is: /bin/true %u" "exc-instance-connect sshd enable --chain"
	guest rm /etc/ssh/sshd_config.d/10-other.conf
	sshd_reload
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a next_command that is not there" {
	agent_conf "next_command = /usr/bin/missing"
	finds bad next_command "No such file" "set next_command in /etc/exc-instance-connect/agent.conf"
}

# opens_tunnel: a one-time key of root's that may not forward has sshd make a tun device
opens_tunnel() {
	guest sh -c 'mkdir -p /dev/net && { [ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200; }'
	# The command ends the connection, for ssh waits for the tunnel; its output could be lost by that.
	SSH_OPTIONS="-w any:any" login "$(ask root '"command":"cat /proc/self/net/dev >/run/devices; kill $PPID"')" root || true
	guest grep 'tun[0-9]*:' /run/devices
}

@test "PermitTunnel lets a key that may not forward open a tunnel" {
	[ -c /dev/net/tun ] || skip "this machine has no tun devices"
	run opens_tunnel
	closed=$status
	guest grep 'lo:' /run/devices
	sshd_setting 'PermitTunnel point-to-point'
	sshd_reload
	run opens_tunnel
	opened=$status
	run finds bad PermitTunnel "can still open a tunnel as root" "set PermitTunnel no; then: systemctl reload ssh"
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	sshd_reload
	echo "$output"
	[ "$closed" -ne 0 ]
	[ "$opened" -eq 0 ]
	[ "$status" -eq 0 ]
}

@test "PermitTunnel in a Match block of root's" {
	sshd_setting 'Match User ana\n PermitTunnel yes'
	sshd_reload
	doctor
	sshd_setting 'Match User root\n PermitTunnel yes'
	sshd_reload
	run finds bad PermitTunnel "can still open a tunnel as root" "set PermitTunnel no"
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	sshd_reload
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "others may write the agent's program" {
	guest chmod 0775 /usr/bin/exc-instance-connect
	run finds bad "the agent's program" "users other than root may write /usr/bin/exc-instance-connect" "chmod go-w /usr/bin/exc-instance-connect"
	guest chmod 0755 /usr/bin/exc-instance-connect
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "no trust anchor, and one that cannot be used" {
	guest mv /etc/exc-instance-connect/trust.d/operator.pem /run/operator.pem
	guest rmdir /etc/exc-instance-connect/trust.d
	run finds bad "trust anchors" "there are none in /etc/exc-instance-connect/trust.d" "which exc-connectd init printed on the control plane, and run: "
	first=$status
	echo "$output"
	guest sh -c "cd /run && ${output##*run: }"
	doctor
	guest sh -c 'echo nonsense >/etc/exc-instance-connect/trust.d/other.pem'
	run finds warning "trust anchors" "1 files cannot be used, the first is other.pem" "PEM"
	guest rm /etc/exc-instance-connect/trust.d/other.pem
	echo "$output"
	[ "$first" -eq 0 ]
	[ "$status" -eq 0 ]
}

@test "trust anchors that others may write, and too many of them" {
	guest chmod 0777 /etc/exc-instance-connect/trust.d
	run finds bad "trust anchors" "users other than root may write /etc/exc-instance-connect/trust.d" "chown -R root: .* && chmod -R go-w"
	first=$status
	echo "$output"
	guest sh -c "${output##*|}"
	doctor
	guest sh -c 'for i in $(seq 65); do : >"/etc/exc-instance-connect/trust.d/more$i.pem"; done'
	run finds bad "trust anchors" "there are too many files" "remove those of /etc/exc-instance-connect/trust.d that are not needed"
	guest sh -c 'rm /etc/exc-instance-connect/trust.d/more*.pem'
	echo "$output"
	[ "$first" -eq 0 ]
	[ "$status" -eq 0 ]
}

@test "a CA certificate that ends soon, or has ended" {
	for days in 3 -1; do
		openssl req -x509 -newkey ed25519 -nodes -keyout /dev/null -subj /CN=ca -days 1 \
			-out "$BATS_TEST_TMPDIR/ca.pem" 2>/dev/null
		[ "$days" -gt 0 ] || faketime_certificate
		guest install -m 0644 "$BATS_TEST_TMPDIR/ca.pem" /etc/exc-instance-connect/trust.d/ca.pem
		run finds "$([ "$days" -gt 0 ] && echo warning || echo bad)" "trust anchors" "CA certificate \(expires\|has expired\)" "ask the operator"
		guest rm /etc/exc-instance-connect/trust.d/ca.pem
		echo "$output"
		[ "$status" -eq 0 ]
	done
}

# A CA certificate that ended in 2001
faketime_certificate() {
	mkdir -p "$BATS_TEST_TMPDIR/ca"
	: >"$BATS_TEST_TMPDIR/ca/index"
	openssl req -new -newkey ed25519 -nodes -keyout "$BATS_TEST_TMPDIR/ca/key" -subj /CN=ca \
		-out "$BATS_TEST_TMPDIR/ca/request" 2>/dev/null
	printf '[ca]\ndefault_ca = d\n[d]\ndatabase = %s/index\nnew_certs_dir = %s\npolicy = p\nrand_serial = yes\ndefault_md = default\nx509_extensions = v\n[p]\ncommonName = supplied\n[v]\nbasicConstraints = critical,CA:TRUE\n' \
		"$BATS_TEST_TMPDIR/ca" "$BATS_TEST_TMPDIR/ca" >"$BATS_TEST_TMPDIR/ca/conf"
	openssl ca -batch -notext -selfsign -config "$BATS_TEST_TMPDIR/ca/conf" -keyfile "$BATS_TEST_TMPDIR/ca/key" \
		-startdate 20000101000000Z -enddate 20010101000000Z \
		-in "$BATS_TEST_TMPDIR/ca/request" -out "$BATS_TEST_TMPDIR/ca.pem" 2>/dev/null
}

@test "an endpoint that is down, and one that does not know this instance" {
	connectd_stop
	run finds bad endpoint "endpoint_unreachable" "check metadata_url"
	first=$status
	echo "$output"
	connectd_start
	connectd instance remove 42
	run finds bad endpoint "HTTP status 403, metadata.instance.unknown, for $GUEST_ADDRESS (http_status)" "ask its operator"
	echo "$output"
	connectd instance add 42 --address "$GUEST_ADDRESS" --host "$GUEST_ADDRESS"
	[ "$first" -eq 0 ]
	[ "$status" -eq 0 ]
}

@test "an endpoint that refuses with a code and an address that are none, or none at all" {
	long=$(printf 'x%.0s' {1..65})
	rows=0
	while IFS='|' read -r body shown; do
		rows=$((rows + 1))
		printf '%b' "$body" >"$BATS_TEST_TMPDIR/body"
		endpoint_start forbidden "$BATS_TEST_TMPDIR/body"
		run finds bad endpoint "answered with HTTP status 403$shown (http_status)" "ask its operator"
		endpoint_stop
		echo "$output"
		[ "$status" -eq 0 ]
		[[ "$output" != *$'\e'* ]]
	done <<-END
		|
		oops|
		[]|
		{"error":7}|
		{"error":{"code":7,"address":[]}}|
		{"error":{"code":"a\\\\u001b[2J","address":"10.0.0.1\\\\n"}}|
		{"error":{"code":"a\\e[2J","address":"10.0.0.1"}}|
		{"error":{"code":"$long","address":"fe80::1%eth0"}}|
		{"error":{"code":"a.b_c-1","address":"2001:DB8::0:1"}}|, a.b_c-1, for 2001:db8::1
	END
	[ "$rows" -eq 9 ]
}

@test "an instance id that the endpoint's signer does not mean" {
	guest sed -i 's/^instance_id.*/instance_id = 43/' /etc/exc-instance-connect/agent.conf
	finds bad clock "does not verify: wrong_instance" "instance id"
}

@test "a ledger that is missing, and one that is full" {
	guest mv /run/exc-instance-connect /run/away
	run finds bad ledger "No such file or directory" "systemd-tmpfiles --create exc-instance-connect.conf"
	first=$status
	guest mv /run/away /run/exc-instance-connect
	guest mount -t tmpfs -o nr_inodes=1,mode=0700 tmpfs /run/exc-instance-connect
	guest chown exc-instance-connect: /run/exc-instance-connect
	run finds bad ledger "/run is full" "free space in /run"
	guest umount /run/exc-instance-connect
	echo "$output"
	[ "$first" -eq 0 ]
	[ "$status" -eq 0 ]
}

@test "receipts that nobody sends, and a host key that is not published" {
	guest sh -c 'touch -d "-1 hour" /var/lib/exc-instance-connect/receipts/old.json'
	run finds warning receipts "1 have been waiting for more than 10 minutes" "systemctl start exc-instance-connect-report"
	first=$status
	guest rm /var/lib/exc-instance-connect/receipts/old.json
	echo "$output"
	guest sh -c 'ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/elsewhere
printf "HostKey /etc/ssh/ssh_host_ed25519_key\nHostKey /etc/ssh/elsewhere\n" >/etc/ssh/sshd_config.d/20-other.conf'
	run finds warning "host keys" "/etc/ssh/elsewhere is not among" "ln -s /etc/ssh/elsewhere.pub /etc/ssh/ssh_host_elsewhere_key.pub && systemctl restart exc-instance-connect-host-keys"
	mend=${output##*|}
	guest sh -c "${mend%% && *}"
	doctor
	as_agent exc-instance-connect publish-host-keys
	connectd instance list --json | jq -r '.[].guest_host_keys[]' | grep -xF "$(guest cut -d' ' -f1,2 /etc/ssh/elsewhere.pub)"
	guest rm /etc/ssh/sshd_config.d/20-other.conf /etc/ssh/ssh_host_elsewhere_key.pub
	sshd_reload
	echo "$output"
	[ "$first" -eq 0 ]
	[ "$status" -eq 0 ]
}

# What the kernel said, in a journal file of its own: nobody but the kernel can make an entry that is from it.
kernel_said() {
	printf '__REALTIME_TIMESTAMP=%s000000\n__MONOTONIC_TIMESTAMP=1\n_BOOT_ID=%s\n_TRANSPORT=%s\nMESSAGE=%s\n\n' \
		"$(date +%s)" "$(tr -d - </proc/sys/kernel/random/boot_id)" "$1" "$2" |
		guest sh -c '/lib/systemd/systemd-journal-remote -o "$(ls -d /run/log/journal/*/ | head -n 1)/said.journal" - 2>/dev/null'
}

@test "what SELinux or AppArmor forbade the agent" {
	for transport in kernel audit; do
		kernel_said "$transport" 'avc:  denied  { name_connect } for  pid=7 comm="exc-instance-co" dest=80 scontext=system_u:system_r:sshd_t:s0'
		run finds bad "mandatory access control" "denied  { name_connect }" "allow it in the policy"
		guest sh -c 'rm /run/log/journal/*/said.journal'
		echo "$output"
		[ "$status" -eq 0 ]
	done
	kernel_said driver 'avc:  denied  { name_connect } for  pid=7 comm="exc-instance-co"'
	doctor
	guest sh -c 'rm /run/log/journal/*/said.journal'
}

@test "the walls around the agent, one that it has gone into, and that there are none" {
	doctor --json | jq -e '.findings[] | select(.name == "sandbox" and .level == "good") | .text |
		startswith("no new privileges, resource limits") and contains("seccomp")'
	kernel_said audit 'SECCOMP auid=4294967295 uid=994 pid=7 comm="exc-instance-co" exe="/usr/bin/exc-instance-connect" sig=31 syscall=41'
	run finds bad sandbox "sig=31 syscall=41" "sandbox = no in agent.conf"
	guest sh -c 'rm /run/log/journal/*/said.journal'
	echo "$output"
	[ "$status" -eq 0 ]
	agent_conf "sandbox = no"
	finds warning sandbox "it is off" "remove that line"
}

@test "doctor changes nothing, and is for root" {
	guest find /etc /run/exc-instance-connect /var/lib/exc-instance-connect -printf '%p %m %u %T@\n' | sort >"$BATS_TEST_TMPDIR/before"
	doctor
	guest find /etc /run/exc-instance-connect /var/lib/exc-instance-connect -printf '%p %m %u %T@\n' | sort | diff "$BATS_TEST_TMPDIR/before" -
	run agent doctor
	[ "$status" -eq 2 ]
	[[ "$output" == *"try sudo"* ]]
}
