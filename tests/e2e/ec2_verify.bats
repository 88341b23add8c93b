#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ec2-verify: which pushed keys of EC2 hold, and why the others do not. No network, no guest: files alone.

load ec2

: "${EXC_BUILD:?is the build directory to test}"

setup_file() {
	EC2_DIR=$(mktemp -d)
	export EC2_DIR
	ec2_setup
	ssh-keygen -q -t ed25519 -N '' -C 'a comment of hers' -f "$EC2_DIR/key"
	ssh-keygen -q -t ecdsa -N '' -C '' -f "$EC2_DIR/ecdsa"
	ssh-keygen -q -t rsa -b 2048 -N '' -C '' -f "$EC2_DIR/rsa"
}

teardown_file() {
	rm -rf "$EC2_DIR"
}

setup() {
	list=$BATS_TEST_TMPDIR/list
	ec2_block "$EC2_DIR/key.pub" >"$list"
	# What one test does to the staples is nothing to the next one.
	cp -r "$EC2_DIR/staples" "$BATS_TEST_TMPDIR/staples"
}

# verify [OPTION...]: later options win over the usual ones
verify() {
	local usual=(--keys "$list" --signer "$EC2_DIR/chain.pem" --ca "$EC2_DIR/root.pem"
		--ocsp "$BATS_TEST_TMPDIR/staples" --instance "$EC2_INSTANCE" --cn "$EC2_NAME") all=() i
	for ((i = 0; i < ${#usual[@]}; i += 2)); do
		[[ " $* " == *" ${usual[i]} "* ]] || all+=("${usual[@]:i:2}")
	done
	"$EXC_BUILD/src/agent/agent" ec2-verify "${all[@]}" "$@"
}

verify_apart() { verify "$@" 2>"$BATS_TEST_TMPDIR/stderr"; }
# What it says on standard error is in $stderr.
run_apart() {
	run verify_apart "$@"
	stderr=$(cat "$BATS_TEST_TMPDIR/stderr")
}

# What is printed for a public key: no comment
printed() { cut -d' ' -f1,2 "$1"; }

holds() {
	run_apart "$@"
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	[ "$output" = "$(printed "$EC2_DIR/key.pub")" ]
}

# refuses REASON [OPTION...]: no key holds, one reason
refuses() {
	local reason=$1
	shift
	run_apart "$@"
	echo "$output" "$stderr"
	[ "$status" -eq 255 ]
	[ -z "$output" ]
	[ "$stderr" = "exc-instance-connect: block 1: $reason" ]
}

# distrusts REASON [OPTION...]: the signer is not to be trusted
distrusts() {
	local reason=$1
	shift
	run_apart "$@"
	echo "$output" "$stderr"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ "$stderr" == *"the signer is not trusted ($reason): "* ]]
}

staple_of() { echo "$BATS_TEST_TMPDIR/staples/$(ec2_fingerprint "$1" "${2-sha1}")"; }

@test "a key that was pushed is printed, without its comment" { holds; }

@test "keys of every kind are printed, in the order of the list" {
	ec2_block "$EC2_DIR/ecdsa.pub" >>"$list"
	ec2_block "$EC2_DIR/rsa.pub" >>"$list"
	run verify
	[ "$status" -eq 0 ]
	[ "$output" = "$(printed "$EC2_DIR/key.pub"; printed "$EC2_DIR/ecdsa.pub"; printed "$EC2_DIR/rsa.pub")" ]
	run verify --fingerprint "$(ssh-keygen -lf "$EC2_DIR/ecdsa.pub" | cut -d' ' -f2)"
	[ "$output" = "$(printed "$EC2_DIR/ecdsa.pub")" ]
	run verify --fingerprint SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
	[ "$status" -eq 255 ]
}

@test "no final newline, empty lines, unknown names and any order of the names are good" {
	printf %s "$(cat "$list")" >"$BATS_TEST_TMPDIR/bare"
	holds --keys "$BATS_TEST_TMPDIR/bare"
	{ printf '\n\n'; ec2_block "$EC2_DIR/key.pub" "#Future=x" "#Instance=$EC2_INSTANCE" "#" \
		"#Timestamp=$(($(date +%s) + 60))" "#Future=y"; printf '\n\n'; } >"$list"
	holds
	ec2_block "$EC2_DIR/key.pub" "#Timestamp=$(($(date +%s) + 60))" "#Instance=$EC2_INSTANCE" \
		"#Caller=$(printf '\033[31m')" "#Request=$(printf '%0300d' 0)" >"$list"
	holds
}

@test "a CA in a folder as the system has it is good, and one beside others in a file" {
	mkdir "$BATS_TEST_TMPDIR/certs"
	cp "$EC2_DIR/root.pem" "$BATS_TEST_TMPDIR/certs/root.pem"
	openssl rehash "$BATS_TEST_TMPDIR/certs"
	holds --ca "$BATS_TEST_TMPDIR/certs"
	cat "$EC2_DIR/stranger.pem" "$EC2_DIR/root.pem" >"$BATS_TEST_TMPDIR/bundle.pem"
	holds --ca "$BATS_TEST_TMPDIR/bundle.pem"
}

@test "staples are found by SHA-1 and SHA-256, in both cases of letters, in DER and in base64" {
	mv "$(staple_of leaf)" "$(staple_of leaf sha256)"
	base64 "$(staple_of middle)" >"$BATS_TEST_TMPDIR/text"
	rm "$(staple_of middle)"
	mv "$BATS_TEST_TMPDIR/text" "$BATS_TEST_TMPDIR/staples/$(ec2_fingerprint middle sha256 | tr A-F a-f)"
	holds
}

@test "a staple whose id of the certificate is made with SHA-256 is good" {
	serial=$(openssl x509 -in "$EC2_DIR/leaf.pem" -noout -serial | cut -d= -f2)
	printf 'V\t491231235959Z\t\t%s\tunknown\t/CN=x\n' "$serial" >"$EC2_DIR/index"
	openssl ocsp -sha256 -issuer "$EC2_DIR/middle.pem" -cert "$EC2_DIR/leaf.pem" -no_nonce \
		-reqout "$BATS_TEST_TMPDIR/request"
	openssl ocsp -index "$EC2_DIR/index" -CA "$EC2_DIR/middle.pem" -rsigner "$EC2_DIR/middle.pem" \
		-rkey "$EC2_DIR/middle.key" -reqin "$BATS_TEST_TMPDIR/request" -ndays 1 -respout "$(staple_of leaf)"
	openssl ocsp -respin "$(staple_of leaf)" -resp_text -noverify | grep -q 'Hash Algorithm: sha256'
	holds
}

@test "a staple by a delegate of the issuer is good, and by nobody else's" {
	eku="keyUsage=digitalSignature
extendedKeyUsage=OCSPSigning"
	ec2_certificate delegate /CN=delegate middle "$eku"
	ec2_staple leaf middle "$(staple_of leaf)" V delegate
	holds
	# By the right CA, and not made for OCSP
	ec2_certificate other /CN=other middle
	ec2_staple leaf middle "$(staple_of leaf)" V other
	distrusts staple_bad_signature
	# Made for OCSP, by the issuer's issuer
	ec2_certificate above /CN=above root "$eku"
	ec2_staple leaf middle "$(staple_of leaf)" V above
	distrusts staple_bad_signature
	ec2_staple leaf middle "$(staple_of leaf)" V root
	distrusts staple_bad_signature
}

@test "a staple for another certificate" {
	cp "$(staple_of middle)" "$(staple_of leaf)"
	distrusts staple_other_certificate
}

@test "a staple that is out of date, from the future, or without an end" {
	distrusts staple_expired --now $(($(date +%s) + 2 * 86400))
	ec2_staple leaf middle "$(staple_of leaf)" V middle -resp_no_certs
	distrusts staple_expired
	[[ "$stderr" == *"the staple of /CN=$EC2_NAME has no nextUpdate"* ]]
}

# The usual five minutes; a guest whose clock is three seconds behind must not lose every key.
@test "a clock that is up to five minutes from the responder's is good" {
	made=$(date +%s)
	ec2_staples
	ec2_staple leaf middle "$(staple_of leaf)" V middle -nmin 60
	ec2_staple middle root "$(staple_of middle)" V root -nmin 60
	# The chain itself is no younger than the staples: it is not valid before.
	distrusts untrusted_chain --now $((made - 400))
	ec2_block "$EC2_DIR/key.pub" "#Timestamp=$((made + 3600 + 330))" "#Instance=$EC2_INSTANCE" >"$list"
	holds --now $((made + 3600 + 280))
	distrusts staple_expired --now $((made + 3600 + 320))
}

@test "a staple from the near future is good, and one from further on is not" {
	# faketime: the responder's clock
	for ahead in 3 290 320; do
		ec2_certificate "ahead$ahead" "/CN=$EC2_NAME" middle
		cat "$EC2_DIR/ahead$ahead.pem" "$EC2_DIR/middle.pem" >"$BATS_TEST_TMPDIR/chain.pem"
		serial=$(openssl x509 -in "$EC2_DIR/ahead$ahead.pem" -noout -serial | cut -d= -f2)
		printf 'V\t491231235959Z\t\t%s\tunknown\t/CN=x\n' "$serial" >"$EC2_DIR/index"
		faketime -f "+${ahead}s" openssl ocsp -index "$EC2_DIR/index" -CA "$EC2_DIR/middle.pem" -issuer "$EC2_DIR/middle.pem" \
			-cert "$EC2_DIR/ahead$ahead.pem" -rsigner "$EC2_DIR/middle.pem" -rkey "$EC2_DIR/middle.key" -no_nonce \
			-ndays 1 -respout "$BATS_TEST_TMPDIR/staples/$(ec2_fingerprint "ahead$ahead" sha1)" >/dev/null 2>&1
		printf '#Timestamp=%s\n#Instance=%s\n%s\n' $(($(date +%s) + 60)) "$EC2_INSTANCE" "$(cat "$EC2_DIR/key.pub")" >"$EC2_DIR/unsigned"
		{ cat "$EC2_DIR/unsigned"; ec2_sign "$EC2_DIR/unsigned" "$EC2_DIR/ahead$ahead.key"; } >"$list"
		if [ "$ahead" -lt 300 ]; then
			holds --signer "$BATS_TEST_TMPDIR/chain.pem"
		else
			distrusts staple_expired --signer "$BATS_TEST_TMPDIR/chain.pem"
			[[ "$stderr" == *"is from the future"* ]]
		fi
	done
}

@test "a chain whose CA is none by RFC 5280 is refused, as AWS refuses it" {
	for extensions in "basicConstraints=CA:TRUE
keyUsage=critical,keyCertSign,cRLSign,digitalSignature" "basicConstraints=critical,CA:TRUE"; do
		ec2_certificate lax "/O=Test/CN=Lax Middle" root "$extensions"
		ec2_certificate below "/CN=$EC2_NAME" lax
		cat "$EC2_DIR/below.pem" "$EC2_DIR/lax.pem" >"$BATS_TEST_TMPDIR/lax.pem"
		distrusts untrusted_chain --signer "$BATS_TEST_TMPDIR/lax.pem"
	done
}

# What the scripts of AWS take: an attacker who answers for the metadata service sends all of this.
@test "a root that comes with the chain, and a signer's name in another field, are not taken" {
	ec2_ca evil "/O=Test/CN=Evil Root"
	ec2_certificate evil-leaf "/CN=$EC2_NAME" evil
	cat "$EC2_DIR/evil-leaf.pem" "$EC2_DIR/evil.pem" >"$BATS_TEST_TMPDIR/evil.pem"
	distrusts untrusted_chain --signer "$BATS_TEST_TMPDIR/evil.pem"
	ec2_certificate named "/O=CN=$EC2_NAME/CN=evil.example" middle
	cat "$EC2_DIR/named.pem" "$EC2_DIR/middle.pem" >"$BATS_TEST_TMPDIR/named.pem"
	distrusts signer_not_allowed --signer "$BATS_TEST_TMPDIR/named.pem"
}

@test "a staple that a stranger signed, also one with the issuer's name" {
	ec2_staple leaf middle "$(staple_of leaf)" V stranger
	distrusts staple_bad_signature
	ec2_ca imposter "/O=Test/CN=Test Middle"
	ec2_staple leaf middle "$(staple_of leaf)" V imposter
	distrusts staple_bad_signature
}

@test "a signer that is revoked, one that the responder does not know, and an intermediate CA that is revoked" {
	ec2_staple leaf middle "$(staple_of leaf)" R
	distrusts signer_revoked
	ec2_staple leaf middle "$(staple_of leaf)" U
	distrusts staple_not_good
	ec2_staple leaf middle "$(staple_of leaf)"
	ec2_staple middle root "$(staple_of middle)" R
	distrusts signer_revoked
	[[ "$stderr" == *"Test Middle reports that it is revoked"* ]]
}

@test "a staple that is missing, and one that is none" {
	rm "$(staple_of middle)"
	distrusts staple_missing
	for nonsense in '' x 0x "$(head -c 40000 /dev/zero | tr '\0' A)"; do
		printf %s "$nonsense" >"$(staple_of middle)"
		distrusts staple_malformed
	done
	cp "$EC2_DIR/staples/$(ec2_fingerprint middle sha1)" "$(staple_of middle)"
	printf x >>"$(staple_of middle)"
	distrusts staple_malformed
}

@test "a chain to a root that is not trusted, or that lacks its middle, or is none" {
	distrusts untrusted_chain --ca "$EC2_DIR/stranger.pem"
	cat "$EC2_DIR/leaf.pem" "$EC2_DIR/root.pem" >"$BATS_TEST_TMPDIR/short.pem"
	distrusts untrusted_chain --signer "$BATS_TEST_TMPDIR/short.pem"
	for nonsense in '' nonsense "$(cat "$EC2_DIR/key")" "$(head -n 5 "$EC2_DIR/leaf.pem")"; do
		printf '%s\n' "$nonsense" >"$BATS_TEST_TMPDIR/none.pem"
		distrusts untrusted_chain --signer "$BATS_TEST_TMPDIR/none.pem"
	done
	for i in 1 2 3 4 5 6 7 8 9; do cat "$EC2_DIR/leaf.pem"; done >"$BATS_TEST_TMPDIR/long.pem"
	distrusts untrusted_chain --signer "$BATS_TEST_TMPDIR/long.pem"
	distrusts untrusted_chain --now $(($(date +%s) + 40 * 86400))
	distrusts untrusted_chain --now $(($(date +%s) - 86400))
}

@test "a signer of another region, of two names, or with a name that begins alike" {
	distrusts signer_not_allowed --cn managed-ssh-signer.eu-west-2.amazonaws.com
	distrusts signer_not_allowed --cn "$EC2_NAME.cn"
	distrusts signer_not_allowed --cn "${EC2_NAME%m}"
	ec2_certificate two "/CN=$EC2_NAME/CN=$EC2_NAME" middle
	cat "$EC2_DIR/two.pem" "$EC2_DIR/middle.pem" >"$BATS_TEST_TMPDIR/two.pem"
	distrusts signer_not_allowed --signer "$BATS_TEST_TMPDIR/two.pem"
	ec2_certificate encipher "/CN=$EC2_NAME" middle keyUsage=keyEncipherment
	cat "$EC2_DIR/encipher.pem" "$EC2_DIR/middle.pem" >"$BATS_TEST_TMPDIR/encipher.pem"
	distrusts signer_not_allowed --signer "$BATS_TEST_TMPDIR/encipher.pem"
}

@test "a second timestamp or instance, signed or not" {
	end=$(($(date +%s) + 60))
	ec2_block "$EC2_DIR/key.pub" "#Timestamp=$end" "#Timestamp=$end" "#Instance=$EC2_INSTANCE" >"$list"
	refuses duplicate_member
	ec2_block "$EC2_DIR/key.pub" "#Timestamp=$end" "#Instance=i-0aaaaaaaaaaaaaaaa" "#Instance=$EC2_INSTANCE" >"$list"
	refuses duplicate_member
	sed -i "1i #Timestamp=$end" "$list"
	refuses duplicate_member
}

@test "a timestamp or an instance that is missing or is none" {
	end=$(($(date +%s) + 60))
	ec2_block "$EC2_DIR/key.pub" "#Timestamp=$end" >"$list"
	refuses bad_claim
	ec2_block "$EC2_DIR/key.pub" "#Instance=$EC2_INSTANCE" >"$list"
	refuses bad_claim
	for time in '' -1 +1 0x1 "$end " "$end.5" 99999999999999999999; do
		ec2_block "$EC2_DIR/key.pub" "#Timestamp=$time" "#Instance=$EC2_INSTANCE" >"$list"
		refuses bad_claim
	done
}

@test "a signature over one line less, or over other bytes, or made in another way" {
	sed '1i #Caller=root' "$list" >"$BATS_TEST_TMPDIR/more"
	refuses bad_signature --keys "$BATS_TEST_TMPDIR/more"
	sed '/^#Request/d' "$list" >"$BATS_TEST_TMPDIR/less"
	refuses bad_signature --keys "$BATS_TEST_TMPDIR/less"
	sed 's/a comment of hers/a comment of his/' "$list" >"$BATS_TEST_TMPDIR/comment"
	refuses bad_signature --keys "$BATS_TEST_TMPDIR/comment"
	resign() { sed -n '/^#/p; /^ssh-/p' "$list" >"$EC2_DIR/unsigned"; { cat "$EC2_DIR/unsigned"; "$@" | base64; } >"$BATS_TEST_TMPDIR/resigned"; }
	resign openssl dgst -sha256 -sign "$EC2_DIR/leaf.key" "$EC2_DIR/unsigned"
	refuses bad_signature --keys "$BATS_TEST_TMPDIR/resigned"
	resign openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20 -sign "$EC2_DIR/leaf.key" "$EC2_DIR/unsigned"
	refuses bad_signature --keys "$BATS_TEST_TMPDIR/resigned"
	resign openssl dgst -sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign "$EC2_DIR/leaf.key" "$EC2_DIR/unsigned"
	refuses bad_signature --keys "$BATS_TEST_TMPDIR/resigned"
	resign openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign "$EC2_DIR/stranger.key" "$EC2_DIR/unsigned"
	refuses bad_signature --keys "$BATS_TEST_TMPDIR/resigned"
	resign printf ''
	refuses bad_signature --keys "$BATS_TEST_TMPDIR/resigned"
}

@test "a key of another instance, one that has ended, and one that lives too long" {
	refuses wrong_instance --instance i-0aaaaaaaaaaaaaaaa
	refuses expired --now $(($(date +%s) + 61))
	now=$(date +%s)
	ec2_block "$EC2_DIR/key.pub" "#Timestamp=$((now + 60))" "#Instance=$EC2_INSTANCE" >"$list"
	refuses expired --now $((now + 60))
	holds --now $((now + 59))
	ec2_block "$EC2_DIR/key.pub" "#Timestamp=$((now + 3600 + 65))" "#Instance=$EC2_INSTANCE" >"$list"
	holds --now $((now + 3600))
	refuses lifetime_too_long --now $((now + 3599))
}

@test "CRLF, NUL, lines and blocks that are too long" {
	sed 's/$/\r/' "$list" >"$BATS_TEST_TMPDIR/crlf"
	refuses bad_encoding --keys "$BATS_TEST_TMPDIR/crlf"
	{ printf '#\0\n'; cat "$list"; } >"$BATS_TEST_TMPDIR/nul"
	refuses bad_encoding --keys "$BATS_TEST_TMPDIR/nul"
	{ printf '#%08192d\n' 0; cat "$list"; } >"$BATS_TEST_TMPDIR/line"
	refuses bad_encoding --keys "$BATS_TEST_TMPDIR/line"
	{ for i in {1..65}; do echo '#x'; done; cat "$list"; } >"$BATS_TEST_TMPDIR/lines"
	refuses bad_encoding --keys "$BATS_TEST_TMPDIR/lines"
	# What follows such a block is read.
	{ cat "$BATS_TEST_TMPDIR/crlf"; echo; cat "$list"; } >"$BATS_TEST_TMPDIR/both"
	run verify --keys "$BATS_TEST_TMPDIR/both"
	[ "$status" -eq 0 ]
}

@test "a line of white space ends a block, and white space in a key that was signed so loses nothing" {
	ec2_block "$EC2_DIR/ecdsa.pub" >"$BATS_TEST_TMPDIR/next"
	{ sed '/^$/d' "$list"; printf ' \t \n'; cat "$BATS_TEST_TMPDIR/next"; } >"$BATS_TEST_TMPDIR/both"
	[ "$(verify --keys "$BATS_TEST_TMPDIR/both" | wc -l)" -eq 2 ]
	for key in "$(sed 's/ /  /' "$EC2_DIR/key.pub")" "$(sed 's/ /\t/' "$EC2_DIR/key.pub")" "$(cut -d' ' -f1,2 "$EC2_DIR/key.pub")  " \
		"$(cut -d' ' -f1,2 "$EC2_DIR/key.pub")"$'\r'; do
		printf '%s\n' "$key" >"$BATS_TEST_TMPDIR/odd.pub"
		ec2_block "$BATS_TEST_TMPDIR/odd.pub" >"$list"
		holds
		cat "$BATS_TEST_TMPDIR/next" >>"$list"
		[ "$(verify | wc -l)" -eq 2 ]
	done
	# What was added after it was signed is another key.
	ec2_block "$EC2_DIR/key.pub" >"$list"
	sed -i '/^ssh-/s/$/\r/' "$list"
	refuses bad_signature
}

@test "options before the key, no key, a key that is too weak or of no kind that counts" {
	echo "command=\"id\" $(cat "$EC2_DIR/key.pub")" >"$BATS_TEST_TMPDIR/options.pub"
	ec2_block "$BATS_TEST_TMPDIR/options.pub" >"$list"
	refuses "bad_ssh_key: options before the key are not accepted"
	echo "no-pty $(cat "$EC2_DIR/key.pub")" >"$BATS_TEST_TMPDIR/options.pub"
	ec2_block "$BATS_TEST_TMPDIR/options.pub" >"$list"
	refuses "key_type_not_allowed: options before the key are not accepted"
	printf '#Timestamp=%s\n#Instance=%s\n' $(($(date +%s) + 60)) "$EC2_INSTANCE" >"$list"
	refuses bad_ssh_key
	ssh-keygen -q -t rsa -b 1024 -N '' -f "$BATS_TEST_TMPDIR/weak"
	ec2_block "$BATS_TEST_TMPDIR/weak.pub" >"$list"
	refuses weak_key
	sed 's/^ssh-ed25519/ssh-ed25519-cert-v01@openssh.com/' "$EC2_DIR/key.pub" >"$BATS_TEST_TMPDIR/cert.pub"
	ec2_block "$BATS_TEST_TMPDIR/cert.pub" >"$list"
	refuses key_type_not_allowed
}

@test "of 10,000 blocks the last one is found, within seconds" {
	{ ec2_block "$EC2_DIR/rsa.pub"; } >"$BATS_TEST_TMPDIR/one"
	awk -v n=10000 '{ all = all $0 "\n" } END { for (i = 1; i < n; i++) printf "%s", all }' "$BATS_TEST_TMPDIR/one" |
		cat - "$list" >"$BATS_TEST_TMPDIR/many"
	begin=$SECONDS
	holds --keys "$BATS_TEST_TMPDIR/many" --fingerprint "$(ssh-keygen -lf "$EC2_DIR/key.pub" | cut -d' ' -f2)"
	[ $((SECONDS - begin)) -le 3 ]
	cat "$BATS_TEST_TMPDIR/many" "$BATS_TEST_TMPDIR/many" >"$BATS_TEST_TMPDIR/more"
	run verify --keys "$BATS_TEST_TMPDIR/more"
	[ "$status" -eq 2 ]
	[[ "$output" == *"too large"* ]]
}

@test "wrong usage" {
	run "$EXC_BUILD/src/agent/agent" ec2-verify --keys "$list"
	[ "$status" -eq 2 ]
	[[ "$output" == "Usage: exc-instance-connect ec2-verify"* ]]
	for options in --nonsense "--now x" "--now" "--keys /nonexistent"; do
		# shellcheck disable=SC2086 # an option and its value
		run verify $options
		[ "$status" -eq 2 ]
	done
	run verify --signer /nonexistent
	[ "$status" -eq 1 ]
}
