#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A guest with OpenSSL's FIPS provider, where the release has a package of it.

load file_machine
load ../e2e/es256
load ../e2e/front

# The name of Debian's package, from Debian 13 on
PROVIDER=openssl-provider-fips

setup_file() {
	case $EXC_RELEASE in
	bullseye | bookworm)
		export OBSTACLE="$EXC_RELEASE has no package of OpenSSL's FIPS provider"
		return
		;;
	esac
	file_machine_allowed || return 0
	machine_start
	install_package
	guest_trust
	fronts_start
	provider_install
	# As on every machine in FIPS mode: the first that clients ask for is ChaCha20, which the provider does not have.
	sshd_setting 'Ciphers aes256-gcm@openssh.com,aes256-ctr'
	sshd_reload
}

teardown_file() {
	[ -n "$OBSTACLE" ] || fronts_stop
	machine_stop
}

# By hand: what the guest's own repository has is kept for other tests, which do not need it.
provider_install() {
	mkdir "$GUEST_DIR/provider"
	throwaway_run "$STOCK_ROOT" "$GUEST_DIR/provider" "
		apt-get -q -o Acquire::Check-Valid-Until=false update
		cd /shared
		apt-get -q -o Acquire::Retries=$RETRIES -o APT::Sandbox::User=root download $PROVIDER=\$(dpkg-query -W -f '\${Version}' openssl)" >&2
	cat "$GUEST_DIR"/provider/*.deb | guest sh -c 'cat >/run/provider.deb && dpkg -i /run/provider.deb'
	guest openssl fipsinstall -out /etc/ssl/fipsmodule.cnf \
		-module "$(guest dpkg -L $PROVIDER | grep 'fips\.so$')"
}

# An OpenSSL that has the FIPS provider and nothing else
FIPS='openssl_conf = init\n.include /etc/ssl/fipsmodule.cnf\n[init]\nproviders = providers\nalg_section = algorithms\n[providers]\nfips = fips_sect\nbase = base\n[base]\nactivate = 1\n[algorithms]\ndefault_properties = fips=yes'

teardown() {
	[ -z "$OBSTACLE" ] || return 0
	openssl_is_usual
	[ ! -e "$GUEST_DIR/es256.out" ] || es256_stop
	rm -f "$GUEST_DIR/es256.out"
}

# agent_has_provider: by the linker's own word. It runs no other program for this.
agent_has_provider() {
	guest env LD_DEBUG=files exc-instance-connect doctor --next 2>&1 | grep -q 'calling init: .*/fips\.so'
}

@test "with the FIPS provider in openssl.cnf, for all programs that read it, one-time keys log in" {
	openssl_is "$FIPS"
	guest rm /etc/ld.so.preload
	run agent_has_provider
	[ "$status" -ne 0 ]
	guest openssl list -providers | tee "$BATS_TEST_TMPDIR/providers"
	grep -q "OpenSSL FIPS Provider" "$BATS_TEST_TMPDIR/providers"
	run guest openssl md5 /etc/passwd
	[ "$status" -ne 0 ]
	guest systemctl restart ssh
	wait_for sshd_answers
	logs_in_once
	login "$(ordinary_key ubuntu)" ubuntu true
}

@test "and with an endpoint by https, for which fetch reads openssl.cnf as well" {
	openssl_is "$FIPS"
	guest rm /etc/ld.so.preload
	logs_in_by https://127.0.0.2:8443
}

@test "an agent whose OpenSSL has nothing but the FIPS provider verifies grants of ES256" {
	openssl_is "$FIPS"
	agent_has_provider
	es256_start
	for mode in pam connection; do
		agent_conf "single_use = $mode"
		forget_events
		p256_logs_in_once
		logged_in_once
	done
	login "$(ordinary_key ubuntu)" ubuntu true
}

@test "and grants of EdDSA if this provider has Ed25519; if not, it says so" {
	openssl_is "$FIPS"
	agent_has_provider
	if guest openssl list -signature-algorithms | grep -qi ed25519; then
		echo "# this provider has Ed25519" >&3
		logs_in_once
		guest exc-instance-connect doctor
	else
		run login "$(ask ubuntu)" ubuntu true
		[ "$status" -eq 255 ]
		guest journalctl -t exc-instance-connect | grep -q "this OpenSSL has no Ed25519"
	fi
}
