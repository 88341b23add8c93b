#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Where systemd listens for sshd and starts it when somebody connects.

load file_machine

setup_file() {
	file_machine_start
	[ -z "$OBSTACLE" ] || return 0
	guest systemctl disable --now ssh.service
	guest systemctl enable --now ssh.socket
}

@test "a one-time login works where sshd is started by a socket" {
	open_session "$(ordinary_key ubuntu)" ubuntu
	install_package
	[ "$(in_session id -un)" = ubuntu ]
	close_session
	guest_trust
	guest exc-instance-connect sshd status
	logs_in_once
	login "$(ordinary_key ubuntu)" ubuntu true
	guest exc-instance-connect doctor
	[ "$(guest systemctl is-enabled ssh.service ssh.socket)" = "disabled
enabled" ]
}

@test "and after a reboot" {
	machine_reboot
	logs_in_once
	login "$(ordinary_key ubuntu)" ubuntu true
}

@test "and removing it keeps the socket, and everybody's way in" {
	purge_package
	guest systemctl is-active ssh.socket
	login "$(ordinary_key ubuntu)" ubuntu true
	run login "$(ask ubuntu)" ubuntu true
	[ "$status" -eq 255 ]
}
