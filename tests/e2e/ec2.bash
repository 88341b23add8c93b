# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What AWS has on its side, made anew with openssl: a root, an intermediate CA, a signer, their OCSP
# responses, and keys that are pushed. Everything is below EC2_DIR.

EC2_INSTANCE=i-0123456789abcdef0
EC2_NAME=managed-ssh-signer.eu-west-1.amazonaws.com

# ec2_ca NAME SUBJECT [ISSUER]: a CA that signs itself, or is signed by ISSUER
ec2_ca() {
	ec2_certificate "$1" "$2" "${3-$1}" "basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign,digitalSignature"
}

# ec2_certificate NAME SUBJECT ISSUER [EXTENSIONS]
ec2_certificate() {
	local name=$1 issuer=$3 by=()
	printf '%s\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' "${4-keyUsage=digitalSignature}" >"$EC2_DIR/$name.ext"
	openssl req -new -newkey rsa:2048 -nodes -keyout "$EC2_DIR/$name.key" -subj "$2" \
		-out "$EC2_DIR/$name.csr" 2>/dev/null
	if [ "$issuer" = "$name" ]; then
		by=(-signkey "$EC2_DIR/$name.key")
	else
		by=(-CA "$EC2_DIR/$issuer.pem" -CAkey "$EC2_DIR/$issuer.key")
	fi
	openssl x509 -req -in "$EC2_DIR/$name.csr" -set_serial "0x$(openssl rand -hex 8)" -days 30 -sha256 \
		-extfile "$EC2_DIR/$name.ext" "${by[@]}" -out "$EC2_DIR/$name.pem" 2>/dev/null
}

# ec2_fingerprint NAME sha1|sha256: as the service names a staple
ec2_fingerprint() { openssl x509 -in "$EC2_DIR/$1.pem" -noout -fingerprint "-$2" | sed 's/.*=//; s/://g'; }

# ec2_staple NAME ISSUER FILE [STATUS RESPONDER OCSP-OPTION...]: what the responder says of NAME: V(alid),
# R(evoked) or U(nknown)
ec2_staple() {
	local name=$1 issuer=$2 file=$3 status=${4-V} responder=${5-$2} serial
	shift $(($# < 5 ? $# : 5))
	serial=$(openssl x509 -in "$EC2_DIR/$name.pem" -noout -serial | cut -d= -f2)
	case $status in
	V) printf 'V\t491231235959Z\t\t%s\tunknown\t/CN=x\n' "$serial" ;;
	R) printf 'R\t491231235959Z\t200101000000Z\t%s\tunknown\t/CN=x\n' "$serial" ;;
	esac >"$EC2_DIR/index"
	[ $# -gt 0 ] || set -- -ndays 1
	openssl ocsp -index "$EC2_DIR/index" -CA "$EC2_DIR/$issuer.pem" -issuer "$EC2_DIR/$issuer.pem" \
		-cert "$EC2_DIR/$name.pem" -rsigner "$EC2_DIR/$responder.pem" -rkey "$EC2_DIR/$responder.key" \
		-no_nonce -respout "$file" "$@" >/dev/null 2>&1
}

# The usual chain and its staples, in DER below staples/
ec2_setup() {
	mkdir -p "$EC2_DIR/staples"
	ec2_ca root "/O=Test/CN=Test Root"
	ec2_ca stranger "/O=Test/CN=Stranger"
	ec2_ca middle "/O=Test/CN=Test Middle" root
	ec2_certificate leaf "/CN=$EC2_NAME" middle
	cat "$EC2_DIR/leaf.pem" "$EC2_DIR/middle.pem" "$EC2_DIR/root.pem" >"$EC2_DIR/chain.pem"
	ec2_staples
}

ec2_staples() {
	rm -f "$EC2_DIR"/staples/*
	ec2_staple leaf middle "$EC2_DIR/staples/$(ec2_fingerprint leaf sha1)"
	ec2_staple middle root "$EC2_DIR/staples/$(ec2_fingerprint middle sha1)"
}

# ec2_sign FILE [KEY]: a signature over FILE, in base64
ec2_sign() {
	openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign "${2-$EC2_DIR/leaf.key}" "$1" |
		base64
}

# ec2_block PUBLIC-KEY-FILE [LINE...]: one pushed key, signed; LINEs are in place of the usual ones
ec2_block() {
	local key=$1
	shift
	[ $# -gt 0 ] || set -- "#Timestamp=$(($(date +%s) + 60))" "#Instance=$EC2_INSTANCE" \
		"#Caller=arn:aws:iam::123456789012:user/ana" "#Request=1f5b3a2c-0000-4000-8000-000000000001"
	printf '%s\n' "$@" "$(cat "$key")" >"$EC2_DIR/unsigned"
	cat "$EC2_DIR/unsigned"
	ec2_sign "$EC2_DIR/unsigned"
	echo
}

# The metadata service's files, in META
ec2_metadata() {
	local meta=$1 staple
	mkdir -p "$meta/placement" "$meta/services" "$meta/managed-ssh-keys/active-keys" \
		"$meta/managed-ssh-keys/signer-ocsp"
	printf %s "$EC2_INSTANCE" >"$meta/instance-id"
	printf %s eu-west-1b >"$meta/placement/availability-zone"
	printf %s amazonaws.com >"$meta/services/domain"
	cp "$EC2_DIR/chain.pem" "$meta/managed-ssh-keys/signer-cert"
	rm -f "$meta"/managed-ssh-keys/signer-ocsp/*
	for staple in "$EC2_DIR"/staples/*; do
		base64 "$staple" >"$meta/managed-ssh-keys/signer-ocsp/${staple##*/}"
	done
}
