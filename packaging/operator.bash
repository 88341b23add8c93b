# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What debian/build-repository and rpm/build-repository share: their options, the key that signs, and the files of the
# package exc-instance-connect-operator, which tells guests whom to trust and where the endpoint is.

OPERATOR_PACKAGE=exc-instance-connect-operator
# shellcheck disable=SC2034 # the builders have these texts
OPERATOR_SUMMARY="trust in one operator of one-time SSH keys"
# shellcheck disable=SC2034
OPERATOR_DESCRIPTION="The public keys or CA certificates of the operator of this repository, and the
address of the metadata endpoint, for exc-instance-connect. A newer version of
this package changes them: upgrading is all that a guest has to do."
# shellcheck disable=SC2034
OPERATOR_OPTIONS="  --operator FILE
             also make the package $OPERATOR_PACKAGE, with which guests trust
             FILE: the public key that exc-connectd init printed, or a CA certificate, in PEM. While
             keys change, once for the old one and once for the new one
  --metadata-url URL
             the metadata endpoint of these guests, if it is not http://169.254.169.254
  --signer-name NAME
             the DNS name in certificates that sign grants, see exc-instance-connect.conf(5)
  --operator-version VERSION
             that package's version; the date and time by default, so that each is newer than the last"
# What the agent reads of one file (src/grant/trust.h)
TRUST_FILE_BYTES_MAX=65536

die() { echo "build-repository: $1" >&2; exit 1; }
usage_error() { usage >&2; exit 2; }

# read_options WORD...: the options into variables, and the other words into `words`
read_options() {
	key='' metadata_url='' signer_name='' operators=() words=()
	operator_version=$(date --utc +%Y%m%d.%H%M%S)
	while [ $# -gt 0 ]; do
		case $1 in
		--help | -h) usage; exit 0 ;;
		--key | --operator | --metadata-url | --signer-name | --operator-version)
			[ -n "${2-}" ] || usage_error
			case $1 in
			--key) key=$2 ;;
			--operator) operators+=("$2") ;;
			--metadata-url) metadata_url=$2 ;;
			--signer-name) signer_name=$2 ;;
			--operator-version) operator_version=$2 ;;
			esac
			[ "$1" = --key ] || [ "$1" = --operator ] || for_operator=$1
			shift
			;;
		-*) usage_error ;;
		*) words+=("$1") ;;
		esac
		shift
	done
	[ -z "${for_operator-}" ] || [ ${#operators[@]} -gt 0 ] || die "$for_operator needs --operator"
}

# need_programs PACKAGES PROGRAM...
need_programs() {
	local packages=$1 program
	shift
	for program; do
		command -v "$program" >/dev/null || die "there is no $program; try: apt install $packages"
	done
}

# A place for what is not finished, which goes away with the script
make_work() {
	work=$(mktemp -d)
	trap remove_work EXIT
}
remove_work() {
	# The agent that gpg started for a key that is thrown away
	[ ! -d "$work/gnupg" ] || gpgconf --homedir "$work/gnupg" --kill gpg-agent || true
	rm -rf "$work"
}

# find_key: the fingerprint of `key`, or of one that is made and thrown away, into `fingerprint`
find_key() {
	if [ -z "$key" ]; then
		export GNUPGHOME=$work/gnupg
		mkdir -m 0700 "$GNUPGHOME"
		key='Instance Connect packages'
		gpg --batch --quiet --passphrase '' --quick-generate-key "$key" "$1" sign never 2>"$work/gpg.log" ||
			die "no key could be made: $(<"$work/gpg.log")"
	fi
	fingerprint=$(gpg --batch --with-colons --list-secret-keys "$key" 2>/dev/null |
		awk -F: '$1 == "fpr" { print $10; exit }') || true
	[ -n "$fingerprint" ] || die "GnuPG has no private key for: $key"
}

# export_key REPOSITORY: the public key, for gpg --dearmor and for rpm --import
export_key() { gpg --batch --yes --armor --output "$1/RepoKey.gpg" --export "$fingerprint"; }

# What the agent can verify with: Ed25519, P-256, RSA of 2048 to 8192 bits
public_key_is_usable() {
	local said bits
	said=$(openssl pkey -pubin -in "$1" -noout -text 2>/dev/null) || return
	case $said in
	"ED25519 Public-Key:"* | *"ASN1 OID: prime256v1"*) return ;;
	*Modulus:*)
		bits=$(sed -n 's/.*Public-Key: (\([0-9]*\) bit).*/\1/p' <<<"$said")
		[ "${bits:-0}" -ge 2048 ] && [ "$bits" -le 8192 ]
		;;
	*) return 1 ;;
	esac
}

certificate_is_usable() {
	local said
	openssl x509 -in "$1" -noout -checkend 0 >/dev/null 2>&1 || return
	said=$(openssl x509 -in "$1" -noout -text)
	[[ "$said" == *"CA:TRUE"* ]] &&
		{ [[ "$said" != *"X509v3 Key Usage"* ]] || [[ "$said" == *"Certificate Sign"* ]]; }
}

# append_anchors FILE TRUST: the keys and certificates in FILE, and nothing else of it, to the end of TRUST
append_anchors() {
	local block count=0
	[ -f "$1" ] && [ -r "$1" ] || die "there is no file $1"
	# OpenSSL knows private keys by several names; one in DER or in PKCS #12 is no PEM.
	! grep -qa 'PRIVATE KEY' "$1" ||
		die "$1 has a private key, which belongs on the control plane only; the public one is what exc-connectd init printed"
	rm -rf "$work/blocks"
	mkdir "$work/blocks"
	awk -v blocks="$work/blocks/" '/^-----BEGIN / { open = 1; count++ }
		open { print >(blocks sprintf("%04d", count)) }
		/^-----END / { open = 0 }' "$1"
	for block in "$work"/blocks/*; do
		[ -e "$block" ] || continue
		count=$((count + 1))
		case $(head -n 1 "$block" | tr -d '\r') in
		"-----BEGIN PUBLIC KEY-----")
			public_key_is_usable "$block" ||
				die "$1 has a public key that grants cannot be verified with; use Ed25519, P-256, or RSA of 2048 to 8192 bits"
			openssl pkey -pubin -in "$block" >>"$2"
			;;
		"-----BEGIN CERTIFICATE-----")
			certificate_is_usable "$block" || die "$1 has a certificate that is not a CA's, or that has expired"
			openssl x509 -in "$block" >>"$2"
			;;
		*) die "$1 has something else than public keys and CA certificates: $(head -n 1 "$block")" ;;
		esac
	done
	[ "$count" -gt 0 ] || die "$1 has no public key and no CA certificate in PEM"
}

# operator_files DIRECTORY: check what is for the operator's package, and write its files below DIRECTORY
operator_files() {
	local etc=$1/etc/exc-instance-connect forbidden='[?#@\[:space:][:cntrl:]]' trust file
	trust=$etc/trust.d/$OPERATOR_PACKAGE.pem
	need_programs openssl openssl
	[[ "$operator_version" =~ ^[0-9][0-9A-Za-z.+~]*$ ]] || die "not a version: $operator_version"
	# As src/agent/config/config.c reads it, and a line of it (exc-instance-connect.conf(5))
	[ -z "$metadata_url" ] ||
		{ [[ "$metadata_url" =~ ^https?://[^/] && ! "$metadata_url" =~ $forbidden ]] && [ ${#metadata_url} -le 180 ]; } ||
		die "not an address that the agent can use: $metadata_url"
	[[ "$signer_name" =~ ^[a-z0-9.-]*$ ]] && [ ${#signer_name} -le 180 ] ||
		die "not a DNS name in lower case: $signer_name"
	install -d -m 0755 "$1" "$1/etc" "$etc" "$etc/trust.d"
	: >"$trust"
	for file in "${operators[@]}"; do
		append_anchors "$file" "$trust"
	done
	[ "$(stat -c %s "$trust")" -le "$TRUST_FILE_BYTES_MAX" ] || die "these are too many keys and certificates"
	# Always there: what a newer version no longer had would stay on the guests.
	cat >"$etc/operator.conf" <<END
# Written by the operator's package $OPERATOR_PACKAGE, and replaced by a newer one.
# What /etc/exc-instance-connect/agent.conf sets wins; see exc-instance-connect.conf(5).
${metadata_url:+metadata_url = $metadata_url
}${signer_name:+signer_name = $signer_name
}
END
	chmod 0644 "$trust" "$etc/operator.conf"
}

# keep_settings: operator.conf of the package that is there, on standard input. What it sets, the new one has to set
# too: without the endpoint's address, guests would ask another one.
keep_settings() {
	local name value
	while read -r name _ value; do
		case $name in
		metadata_url) [ -n "$metadata_url" ] || die "guests have $name = $value; give --metadata-url, that one or another" ;;
		signer_name) [ -n "$signer_name" ] || die "guests have $name = $value; give --signer-name, that one or another" ;;
		esac
	done
}
