# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# An operator who signs with ES256, and P-256 keys to log in with, beside a guest of guest.bash; and what takes
# algorithms away from the guest's OpenSSL.
es256_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# es256_start: in place of exc-connectd
es256_start() {
	[ -e "$GUEST_DIR/p256.key" ] || {
		mkdir -p "$GUEST_DIR/p256"
		openssl ecparam -name prime256v1 -genkey -noout -out "$GUEST_DIR/p256.key"
		openssl ec -in "$GUEST_DIR/p256.key" -pubout -out "$GUEST_DIR/p256.pem" 2>/dev/null
	}
	guest install -m 0644 /dev/stdin /etc/exc-instance-connect/trust.d/p256.pem <"$GUEST_DIR/p256.pem"
	: >"$GUEST_DIR/es256.out"
	connectd_stop
	operator "$PYTHON" "$es256_here/es256_endpoint.py" "$GUEST_DIR/p256.key" "$GUEST_DIR/p256" "$METADATA_ADDRESS" 80 \
		>"$GUEST_DIR/es256.out" 2>&1 3>&- </dev/null &
	wait_for grep -q ready "$GUEST_DIR/es256.out"
}

es256_stop() {
	of_operator pkill -f "^$PYTHON $es256_here/es256_endpoint.py .* $METADATA_ADDRESS 80" || true
	wait_for es256_is_gone
	guest rm -f /etc/exc-instance-connect/trust.d/p256.pem
	connectd_start
}
es256_is_gone() { ! of_operator pgrep -f "^$PYTHON $es256_here/es256_endpoint.py" >/dev/null; }

# p256_key: a key that the operator grants
p256_key() {
	local key
	key=$(mktemp -u "$GUEST_DIR/p256/XXXXXX")
	ssh-keygen -q -t ecdsa -b 256 -N '' -f "$key"
	echo "$key"
}

# p256_logs_in_once: such a key gets in, and not again
p256_logs_in_once() {
	local key
	key=$(p256_key)
	login "$key" ubuntu true
	run login "$key" ubuntu true
	# shellcheck disable=SC2154 # it is of bats' run
	[ "$status" -eq 255 ]
}

# openssl_is CONFIGURATION [LATE]: what the agent's OpenSSL has, from the start or when it is first needed
openssl_is() {
	local preload=$GUEST_DIR/openssl_config${2-}.so
	[ -e "$preload" ] ||
		gcc -D_GNU_SOURCE ${2:+"-D$2"} -shared -fPIC -O2 -o "$preload" "$es256_here/openssl_config.c" -lcrypto
	guest sh -c '[ -e /run/openssl.cnf ] || cp /etc/ssl/openssl.cnf /run/openssl.cnf'
	guest install -m 0755 /dev/stdin /usr/lib/openssl_config.so <"$preload"
	printf '%b\n' "$1" | guest sh -c 'cat >/etc/ssl/openssl.cnf; echo /usr/lib/openssl_config.so >/etc/ld.so.preload'
}

# kernel_in_fips_mode: it says so, in the guest. kernel_is_usual undoes that.
kernel_in_fips_mode() {
	guest sh -euc 'mkdir -p /run/sys/crypto
		for folder in /proc/sys/*/; do
			mkdir -p "/run/sys/$(basename "$folder")"
			[ "$folder" = /proc/sys/crypto/ ] || mount --bind "$folder" "/run/sys/$(basename "$folder")"
		done
		echo 1 >/run/sys/crypto/fips_enabled
		mount --rbind /run/sys /proc/sys'
}
kernel_is_usual() { guest sh -c 'umount -R /proc/sys; for folder in /run/sys/*/; do umount "$folder" 2>/dev/null; done; rm -rf --one-file-system /run/sys'; }

openssl_is_usual() { guest sh -c 'rm -f /etc/ld.so.preload; [ ! -e /run/openssl.cnf ] || cp /run/openssl.cnf /etc/ssl/openssl.cnf'; }
