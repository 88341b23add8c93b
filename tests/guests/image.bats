#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An image that is made as docs/images.md says, and two machines that begin as it.

load file_machine

setup_file() {
	file_machine_allowed || return 0
	machine_prepare
	IMAGE=$BATS_FILE_TMPDIR/image
	export IMAGE
	cp -a "$STOCK_ROOT" "$IMAGE"
	connectd_setup "$GUEST_ADDRESS" "$GUEST_ADDRESS" 22 "$(cut -d' ' -f1,2 "$IMAGE/etc/ssh/ssh_host_ed25519_key.pub")"
	connectd instance remove 42
	connectd_start
	apt_sources >"$IMAGE/etc/apt/sources.list"
	cp "$GUEST_DIR/operator.pem" "$IMAGE/root/operator.pem"
	in_image "$(document_block docs/install.md "Install from a repository" 1)"
	in_image "cd /root; $(document_block docs/images.md "Make one" 1)"
	in_image "$(document_block docs/images.md "Make one" 2)"
	rm "$IMAGE/root/operator.pem"
	# What the machine that the image is made on may have left
	in_image 'echo "instance_id = 7" >/etc/exc-instance-connect/agent.conf
		echo 7 >/var/lib/exc-instance-connect/instance-id
		echo "{}" >/var/lib/exc-instance-connect/receipts/old.json
		mkdir -p /var/lib/cloud/data && echo 7 >/var/lib/cloud/data/instance-id
		ls /etc/ssh/ssh_host_ed25519_key'
	in_image "$(document_block docs/images.md "Make one" 3)"
}

setup() {
	[ -z "$OBSTACLE" ] || skip "$OBSTACLE"
}

teardown() {
	[ -n "${GUEST_DIR-}" ] && [ -e "$GUEST_DIR/machine.holder" ] || return 0
	machine_off
	connectd instance remove "$VM_ID"
}

# in_image SCRIPT: as an image builder does it, in a chroot where no service runs
in_image() {
	yes | nsenter -t "$(<"$GUEST_DIR/operator.pid")" -n unshare --mount --pid --fork --kill-child --propagation private bash -euc '
		mount -t proc proc "$1/proc"
		mount -t tmpfs tmpfs "$1/run"
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 chroot "$1" /bin/bash -euc "$2"
	' bash "$IMAGE" "$1"
}

# boot_clone VM_ID [SHELL COMMANDS]: a machine that begins as the image, in whose root the commands are run first
boot_clone() {
	VM_ID=$1
	CLONE=$BATS_TEST_TMPDIR/clone-$1
	cp -a "$IMAGE" "$CLONE"
	(cd "$CLONE" && eval "${2-}")
	touch "$CLONE.lock"
	connectd instance add "$1" --address "$GUEST_ADDRESS" --host "$GUEST_ADDRESS"
	machine_boot "$CLONE"
	wait_for sshd_answers
	wait_for guest_is_sure
	guest journalctl --sync
	echo 0 >"$GUEST_DIR/forgotten"
}
# As cloud-init writes it at the first boot, from a disk that the hypervisor has attached
cloud_init_says() {
	echo "mkdir -p var/lib/cloud/data var/lib/cloud/instances/$1 && echo $1 >var/lib/cloud/data/instance-id &&
		ln -sfn /var/lib/cloud/instances/$1 var/lib/cloud/instance &&
		echo 'DataSourceNoCloud: DataSourceNoCloud [seed=/dev/sr0][dsmode=net]' >var/lib/cloud/instances/$1/datasource"
}

# ask_for VM_ID: a key; and what the control plane says of the host keys is all that the client knows of them
ask_for() {
	local key
	key=$(mktemp "$GUEST_DIR/keys/XXXXXX")
	operator curl -s --max-time 10 -H "@$GUEST_DIR/token" -o "$key.answer" -d "{\"vm_id\":$1,\"user\":\"ubuntu\"}" \
		http://127.0.0.1:8443/compute/instance/connect
	jq -er .private_key "$key.answer" >"$key"
	jq -er '.host + " " + .host_keys[]' "$key.answer" >"$GUEST_DIR/known_hosts"
	echo "$key"
}
host_keys_are_known() { ask_for "$1" >/dev/null; }
machine_is_itself() {
	guest cat /etc/machine-id
	guest cat /etc/ssh/ssh_host_ed25519_key.pub
}

@test "nothing in the image makes one machine itself, and nothing in it is secret" {
	run find "$IMAGE/etc/ssh" -name 'ssh_host_*'
	[ -z "$output" ]
	[ ! -s "$IMAGE/etc/machine-id" ]
	run find "$IMAGE/var/lib/exc-instance-connect" "$IMAGE/var/lib/cloud" "$IMAGE/run" -type f
	[ -z "$output" ]
	[ "$(cd "$IMAGE/etc/exc-instance-connect" && find . -type f | sort)" = "./agent.conf
./pam.wired
./trust.d/operator.pem" ]
	run grep -r instance_id "$IMAGE/etc/exc-instance-connect"
	[ -z "$output" ]
	run grep -rlE 'PRIVATE KEY|exc_[A-Za-z0-9_-]{20}' "$IMAGE/etc" "$IMAGE/var/lib"
	[ -z "$output" ]
	[ -e "$IMAGE/etc/ssh/sshd_config.d/60-exc-instance-connect.conf" ]
}

@test "two clones have ids and host keys of their own, publish these, and one-time keys log in" {
	boot_clone 42 "$(cloud_init_says 42)"
	wait_for host_keys_are_known 42
	key=$(ask_for 42)
	[ "$(login "$key" ubuntu hostname)" = guest ]
	run login "$key" ubuntu true
	[ "$status" -eq 255 ]
	guest exc-instance-connect doctor
	machine_is_itself >"$BATS_TEST_TMPDIR/first"
	machine_off
	connectd instance remove 42

	boot_clone 43 "$(cloud_init_says 43)"
	wait_for host_keys_are_known 43
	login "$(ask_for 43)" ubuntu true
	machine_is_itself >"$BATS_TEST_TMPDIR/second"
	run grep -Fxf "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/second"
	[ "$status" -eq 1 ]
}

@test "a clone that nothing tells who it is waits for a pin, and passes over the pin of another machine" {
	boot_clone 44 'echo "44 0123456789abcdef0123456789abcdef" >var/lib/exc-instance-connect/instance-id'
	wait_for host_keys_are_known 44
	run login "$(ask_for 44)" ubuntu true
	[ "$status" -eq 255 ]
	[[ "$(events EVENT REASON)" == *"problem instance_unknown"* ]]
	guest sh -c "$(document_block docs/images.md "The first boot of a clone" 1 | sed 's/42/44/')"
	login "$(ask_for 44)" ubuntu true
}
