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
# cloud_init ID DATASOURCE: what it leaves behind
cloud_init() {
	guest sh -euc 'mkdir -p /var/lib/cloud/data "/var/lib/cloud/instances/$0"
		ln -sfn "/var/lib/cloud/instances/$0" /var/lib/cloud/instance
		echo "$0" >/var/lib/cloud/data/instance-id
		echo "$1" >/var/lib/cloud/instance/datasource' "$1" "$2"
}
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
	cloud_init 42 "DataSourceConfigDrive: DataSourceConfigDrive [net,ver=2][source=/dev/sr0]"
	one_time_login
	[ "$(source_of_id)" = "this is 42, according to cloud-init" ]
	cloud_init 43 "DataSourceNoCloud: DataSourceNoCloud [seed=/dev/sr0][dsmode=net]"
	run one_time_login
	[ "$status" -eq 255 ]
	[[ "$(events EVENT REASON)" == *"refused wrong_instance"* ]]
	guest sh -c 'echo "instance_id = 42" >>/etc/exc-instance-connect/agent.conf'
	one_time_login
	[ "$(source_of_id)" = "this is 42, according to configuration" ]
}

# Who answers it there may be who sends the grants.
@test "an id that cloud-init got over the network, or nobody knows where, does not count" {
	for datasource in "DataSourceEc2Local: DataSourceEc2Local" "DataSourceOpenStack: DataSourceOpenStack [net,ver=2]" \
		"DataSourceNoCloudNet: DataSourceNoCloudNet [seed=http://192.0.2.1/][dsmode=net]" \
		"DataSourceNoCloud: DataSourceNoCloud [seed=/dev/sr0,http://192.0.2.1/][dsmode=net]" \
		"DataSourceNoCloud: DataSourceNoCloud [seed=dmi,x][dsmode=net]" "DataSourceConfigDriveX: x" ""; do
		cloud_init 42 "$datasource"
		run one_time_login
		[ "$status" -eq 255 ]
	done
	[ "$(events EVENT REASON | sort -u)" = "problem instance_unknown" ]
	[[ "$(guest exc-instance-connect doctor --json | jq -r '.findings[] | select(.name == "instance") | .mend')" == "set instance_id in /etc/"* ]]
	cloud_init 42 "DataSourceNoCloudNet: DataSourceNoCloudNet [seed=/var/lib/cloud/seed/nocloud-net][dsmode=net]"
	one_time_login
}
