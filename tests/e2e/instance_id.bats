#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Which instance is this: the machine's own word, and never that of an image that it came from.

load file_guest

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	# What this machine's own SMBIOS says is not for the guest.
	guest sh -c 'for tag in /sys/class/dmi/id/*_asset_tag; do [ ! -e "$tag" ] || mount --bind /dev/null "$tag"; done'
}

setup() {
	file_guest_ready
	guest sh -c 'printf "timeout_ms = 1000\n" >/etc/exc-instance-connect/agent.conf'
	guest sh -c 'rm -rf /var/lib/exc-instance-connect/instance-id /var/lib/cloud; cp /etc/machine-id /run/machine-id.kept'
}

teardown() {
	[ -z "${GUEST_DIR-}" ] || guest cp /run/machine-id.kept /etc/machine-id
}

one_time_login() { login "$(ask ubuntu)" ubuntu true; }
source_of_id() { guest exc-instance-connect doctor --json | jq -r '.findings[] | select(.name == "instance") | .text'; }
pin() { guest sh -c "printf '%s\n' '$1' >/var/lib/exc-instance-connect/instance-id"; }

@test "an id that was pinned for this machine counts, and not on a clone of it" {
	pin "42 $(guest cat /etc/machine-id)"
	one_time_login
	[ "$(source_of_id)" = "this is 42, according to pinned" ]
	guest sh -c 'echo 0123456789abcdef0123456789abcdef >/etc/machine-id'
	run one_time_login
	[ "$status" -eq 255 ]
	[[ "$(events EVENT REASON)" == *"problem instance_unknown"* ]]
}

@test "an id that was pinned for any machine counts" {
	pin "exc:compute:instance/42"
	one_time_login
}

@test "what cloud-init says wins over a pin, and the configuration over both" {
	pin 41
	guest sh -c 'mkdir -p /var/lib/cloud/data && echo 42 >/var/lib/cloud/data/instance-id'
	one_time_login
	[ "$(source_of_id)" = "this is 42, according to cloud-init" ]
	guest sh -c 'echo 43 >/var/lib/cloud/data/instance-id'
	run one_time_login
	[ "$status" -eq 255 ]
	[[ "$(events EVENT REASON)" == *"refused wrong_instance"* ]]
	guest sh -c 'echo "instance_id = 42" >>/etc/exc-instance-connect/agent.conf'
	one_time_login
	[ "$(source_of_id)" = "this is 42, according to configuration" ]
}
