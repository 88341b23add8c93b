#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An instance of EC2: pushed keys log in through a real sshd, and whatever the metadata service does,
# ordinary logins work.

load file_guest
load ec2

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_key ubuntu
	EC2_DIR=$GUEST_DIR/ec2 META=$GUEST_DIR/meta
	export EC2_DIR META
	mkdir "$EC2_DIR"
	ec2_setup
	for name in pushed stranger; do ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$GUEST_DIR/keys/$name"; done
	connectd_stop
	# The guest's own CA store, and its SMBIOS: there is none where this runs.
	trust_root root
	guest mount -t tmpfs -o mode=0755 tmpfs /sys
	guest mkdir -p /sys/class/dmi/id
	guest rm /etc/exc-instance-connect/trust.d/operator.pem
}

setup() {
	file_guest_ready
	ec2_conf
	tag "$EC2_INSTANCE"
	guest sh -c 'rm -rf /sys/hypervisor; rm -rf /run/exc-instance-connect/connections/*'
	rm -rf "$META"
	ec2_staples
	ec2_metadata "$META"
	push ubuntu pushed
}

teardown() {
	[ -z "${GUEST_DIR-}" ] || imds_stop
}

# trust_root NAME: a CA certificate of the guest's system, with the link by which OpenSSL finds it
trust_root() {
	guest install -m 0644 /dev/stdin /etc/ssl/certs/exc-test.pem <"$EC2_DIR/$1.pem"
	guest ln -sf exc-test.pem "/etc/ssl/certs/$(openssl x509 -in "$EC2_DIR/$1.pem" -noout -hash).0"
}

ec2_conf() {
	agent_conf
	printf '%s\n' 'provider = ec2' 'timeout_ms = 1000' "$@" |
		guest install -m 0644 /dev/stdin /etc/exc-instance-connect/agent.conf
}

tag() { guest sh -c "echo '$1' >/sys/class/dmi/id/board_asset_tag"; }

# push USER KEY [LINE...]: as SendSSHPublicKey does it
push() {
	local user=$1 key=$2
	shift 2
	ec2_block "$GUEST_DIR/keys/$key.pub" "$@" >>"$META/managed-ssh-keys/active-keys/$user"
}

# imds_start [OPTION...]
imds_start() {
	: >"$GUEST_DIR/imds.out"
	: >"$GUEST_DIR/imds.log"
	operator "$PYTHON" "$BATS_TEST_DIRNAME/imds.py" "$META" "$METADATA_ADDRESS" 80 --log "$GUEST_DIR/imds.log" "$@" \
		>"$GUEST_DIR/imds.out" 2>&1 3>&- </dev/null &
	echo $! >"$GUEST_DIR/imds.pid"
	wait_for grep -q ready "$GUEST_DIR/imds.out"
}

imds_is_gone() { ! pgrep -f "^$PYTHON $BATS_TEST_DIRNAME/imds.py $META " >/dev/null; }
imds_stop() {
	pkill -f "^$PYTHON $BATS_TEST_DIRNAME/imds.py $META " || true
	wait_for imds_is_gone
}

pushed_login() { login "$GUEST_DIR/keys/pushed" ubuntu true; }
refused_login() { ! pushed_login 2>/dev/null; }

# Somebody whose client offers the pushed key, and then an ordinary one: in time
login_past_the_agent() {
	local begin=$SECONDS
	SSH_OPTIONS="-i $GUEST_DIR/keys/${1-pushed}" login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true || return
	[ $((SECONDS - begin)) -le "$LOGIN_SECONDS" ]
}

# says EVENT REASON: the pushed key is not let in, an ordinary one is, and this is why
says() {
	login_past_the_agent
	refused_login
	events EVENT REASON | sort -u
	[ "$(events EVENT REASON | sort -u)" = "$1 $2" ]
}

offer() { agent authorized-keys "$1" "$(ssh-keygen -lf "$GUEST_DIR/keys/$2" | cut -d' ' -f2)"; }

@test "a pushed key logs in, as often as its client connects, and the journal says who pushed it" {
	imds_start
	pushed_login
	pushed_login
	[ "$(events EVENT USER CALLER REQUEST_ID | sort -u)" = \
		"offered ubuntu arn:aws:iam::123456789012:user/ana 1f5b3a2c-0000-4000-8000-000000000001" ]
	[ "$(events JTI | sort -u)" = "$(printf '%s\n' "$(sed -n '/^#/p; /^ssh-/p' "$META/managed-ssh-keys/active-keys/ubuntu")" | sha256sum | cut -d' ' -f1)" ]
	# Nothing is kept of it.
	run guest find /run/exc-instance-connect/connections /run/exc-instance-connect/used /run/exc-instance-connect/bound -mindepth 1 ! -name created ! -name made
	[ -z "$output" ]
}

@test "a pushed key logs in where the service closes its connections while it is asked" {
	imds_start --any-connection --closing
	pushed_login
	[ "$(events EVENT | sort -u)" = offered ]
}

@test "with single_use, a pushed key logs in once, by the module and by the connection" {
	imds_start
	for way in pam connection; do
		forget_events
		ec2_conf "single_use = $way" "clock_skew = 0"
		push ubuntu pushed # another one of the same key
		key=$GUEST_DIR/keys/once-$way
		ssh-keygen -q -t ed25519 -N '' -f "$key"
		push ubuntu "once-$way"
		login "$key" ubuntu true
		run login "$key" ubuntu true
		[ "$status" -eq 255 ]
		[[ "$(events EVENT)" == "offered"*"replayed"* ]]
	done
}

# With a clock that may be a minute off, that is any key of the first two minutes.
@test "with single_use, a key that may have been pushed before the boot is refused" {
	ec2_conf "single_use = pam" "clock_skew = 60"
	imds_start
	push ubuntu stranger "#Timestamp=$(($(date +%s) + 20))" "#Instance=$EC2_INSTANCE"
	run offer ubuntu stranger
	[ -z "$output" ]
	[ "$(events EVENT REASON)" = "refused issued_before_boot" ]
}

@test "with single_use, a key that may have been pushed before the ledger was made is refused" {
	ec2_conf "single_use = pam"
	imds_start
	guest rm -rf "$LEDGER/used" "$LEDGER/bound"
	run offer ubuntu pushed
	ledger_of_an_hour
	guest rm "$LEDGER/used/made" "$LEDGER/bound/made"
	[ -z "$output" ]
	[ "$(events EVENT REASON)" = "refused issued_before_ledger" ]
	[ -n "$(offer ubuntu pushed)" ]
}

@test "keys of ECDSA and RSA log in" {
	imds_start
	for type in ecdsa rsa; do
		ssh-keygen -q -t "$type" -N '' -f "$GUEST_DIR/keys/$type"
		push ana "$type"
		login "$GUEST_DIR/keys/$type" ana true
	done
}

@test "a user without keys, and a key that nobody pushed, cost two requests and no word" {
	imds_start
	run offer ana pushed
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(cat "$GUEST_DIR/imds.log")" = "1 PUT /latest/api/token 200
1 GET /latest/meta-data/managed-ssh-keys/active-keys/ana/ 404" ]
	: >"$GUEST_DIR/imds.log"
	run offer ubuntu stranger
	[ -z "$output" ]
	[ "$(cut -d' ' -f1,4 "$GUEST_DIR/imds.log")" = "2 200
2 200" ]
	[ -z "$(events)" ]
}

@test "a key that was pushed costs nine requests on one connection" {
	imds_start
	run offer ubuntu pushed
	[ "$output" = "$(cut -d' ' -f1,2 "$GUEST_DIR/keys/pushed.pub")" ]
	cat "$GUEST_DIR/imds.log"
	[ "$(wc -l <"$GUEST_DIR/imds.log")" -eq 9 ]
	[ "$(cut -d' ' -f1,4 "$GUEST_DIR/imds.log" | sort -u)" = "1 200" ]
}

@test "staples for certificates that are not in the chain are not asked for" {
	imds_start
	for i in 1 2 3 4 5; do
		echo x >"$META/managed-ssh-keys/signer-ocsp/$(printf '%040d' "$i")"
	done
	run offer ubuntu pushed
	[ -n "$output" ]
	[ "$(wc -l <"$GUEST_DIR/imds.log")" -eq 9 ]
}

@test "whatever the metadata service refuses, ordinary logins work and the status is named" {
	for what in token keys rest; do
		for code in 401 403 503; do
			forget_events
			imds_start --answer "$what" "$code"
			says problem http_status
			imds_stop
		done
	done
}

@test "a metadata service that hangs costs a login its timeout once" {
	for what in token keys rest; do
		forget_events
		imds_start --answer "$what" 0
		says problem endpoint_timeout
		imds_stop
	done
}

@test "a metadata service that is down is said to be unreachable, and asked again" {
	says problem endpoint_unreachable
	imds_start
	guest rm -f /run/exc-instance-connect/endpoint.failures
	pushed_login
}

@test "who the machine is decides its board's tag, or else the configuration, and never what came by the network" {
	imds_start
	tag i-0aaaaaaaaaaaaaaaa
	says problem instance_unknown
	forget_events
	tag 'Not Specified'
	says problem instance_unknown
	forget_events
	# Xen, on EC2 or on another cloud whose uuids begin so
	guest sh -c 'mkdir -p /sys/hypervisor && echo ec2e1916-9099-7caf-fd21-012345abcdef >/sys/hypervisor/uuid'
	says problem instance_unknown
	[[ "$(doctor_finds instance)" == "bad SMBIOS does not confirm that this is $EC2_INSTANCE"*"set instance_id"* ]]
	ec2_conf "instance_id = $EC2_INSTANCE"
	pushed_login
	forget_events
	ec2_conf "instance_id = i-0bbbbbbbbbbbbbbbb"
	says problem instance_unknown
	forget_events
	ec2_conf
	tag "$EC2_INSTANCE"
	printf i-nothex >"$META/instance-id"
	says problem instance_unknown
}

@test "a key for another instance is refused" {
	imds_start
	: >"$META/managed-ssh-keys/active-keys/ubuntu"
	push ubuntu pushed "#Timestamp=$(($(date +%s) + 60))" "#Instance=i-0aaaaaaaaaaaaaaaa"
	says refused wrong_instance
}

@test "a key that has ended is refused" {
	imds_start
	: >"$META/managed-ssh-keys/active-keys/ubuntu"
	push ubuntu pushed "#Timestamp=$(($(date +%s) - 1))" "#Instance=$EC2_INSTANCE"
	says refused expired
}

@test "a signer that is revoked, has no staple, or one of a stranger, is refused" {
	imds_start
	staple=$META/managed-ssh-keys/signer-ocsp/$(ec2_fingerprint leaf sha1)
	rm "$staple"
	says refused staple_missing
	for case in "R middle signer_revoked" "V stranger staple_bad_signature"; do
		read -r state responder reason <<<"$case"
		forget_events
		ec2_staple leaf middle "$EC2_DIR/der" "$state" "$responder"
		base64 "$EC2_DIR/der" >"$staple"
		says refused "$reason"
	done
	forget_events
	echo '%%%' >"$staple"
	says refused staple_malformed
	[[ "$(journal EXC_EVENT=refused | jq -r .MESSAGE | head -n 1)" == *"$(ec2_fingerprint leaf sha1) is not base64"* ]]
}

@test "staples that the service names by SHA-256 do" {
	imds_start
	for name in leaf middle; do
		mv "$META/managed-ssh-keys/signer-ocsp/$(ec2_fingerprint "$name" sha1)" \
			"$META/managed-ssh-keys/signer-ocsp/$(ec2_fingerprint "$name" sha256)"
	done
	pushed_login
}

@test "a root that the system does not trust is refused" {
	imds_start
	guest sh -c 'mv /etc/ssl/certs/exc-test.pem /run/'
	says refused untrusted_chain
	guest sh -c 'mv /run/exc-test.pem /etc/ssl/certs/'
	pushed_login
}

@test "a root that is only in the system's bundle is found" {
	imds_start
	guest sh -c 'cp /etc/ssl/certs/ca-certificates.crt /run/bundle.kept
		cat /etc/ssl/certs/exc-test.pem >>/etc/ssl/certs/ca-certificates.crt
		mv /etc/ssl/certs/exc-test.pem /run/'
	run pushed_login
	guest sh -c 'mv /run/exc-test.pem /etc/ssl/certs/; cp /run/bundle.kept /etc/ssl/certs/ca-certificates.crt'
	[ "$status" -eq 0 ]
}

@test "the signer of another region or domain is refused, and a place that is none is named" {
	imds_start
	for zone in us-gov-west-1a eu-west-2-lon-1a; do
		forget_events
		printf %s "$zone" >"$META/placement/availability-zone"
		says refused signer_not_allowed
	done
	[[ "$(journal EXC_EVENT=refused | jq -r .MESSAGE)" == *"is not managed-ssh-signer.eu-west-2.amazonaws.com"* ]]
	forget_events
	printf %s eu-west-1-dub-1a >"$META/placement/availability-zone"
	pushed_login
	for place in "eu-west-1b example.com" "west amazonaws.com" "eu-west- amazonaws.com" "eu/west-1b amazonaws.com"; do
		forget_events
		printf %s "${place% *}" >"$META/placement/availability-zone"
		printf %s "${place#* }" >"$META/services/domain"
		says problem answer_malformed
	done
}

@test "a list that nobody can read is named" {
	imds_start
	sed -i 's/$/\r/' "$META/managed-ssh-keys/active-keys/ubuntu"
	says problem answer_malformed
}

@test "of 10,000 pushed keys the last one logs in" {
	imds_start
	ec2_block "$GUEST_DIR/keys/stranger.pub" >"$EC2_DIR/one"
	awk -v n=10000 '{ all = all $0 "\n" } END { for (i = 1; i < n; i++) printf "%s", all }' "$EC2_DIR/one" |
		cat - "$META/managed-ssh-keys/active-keys/ubuntu" >"$EC2_DIR/many"
	mv "$EC2_DIR/many" "$META/managed-ssh-keys/active-keys/ubuntu"
	pushed_login
}

@test "a list without end is cut off" {
	imds_start
	head -c 20000000 /dev/zero >"$META/managed-ssh-keys/active-keys/ubuntu"
	says problem answer_too_large
}

@test "of many blocks with the offered key and a bad signature, few are tried" {
	imds_start
	sed '1i #Caller=root' "$META/managed-ssh-keys/active-keys/ubuntu" >"$EC2_DIR/one"
	for i in {1..50}; do cat "$EC2_DIR/one"; done >"$META/managed-ssh-keys/active-keys/ubuntu"
	run offer ubuntu pushed
	[ -z "$output" ]
	[ "$(events EVENT REASON CALLER | sort | uniq -c | tr -s ' ')" = " 16 refused bad_signature -" ]
}

@test "receipts are removed, and host keys published nowhere, without asking anybody" {
	imds_start
	guest sh -c 'echo "{}" >/var/lib/exc-instance-connect/receipts/a.json
		chown exc-instance-connect: /var/lib/exc-instance-connect/receipts/a.json'
	agent report
	[ -z "$(guest ls /var/lib/exc-instance-connect/receipts)" ]
	run agent publish-host-keys
	[ "$status" -eq 0 ]
	[ "$output" = "ec2 does not accept host keys; nothing was published" ]
	[ ! -s "$GUEST_DIR/imds.log" ]
}

doctor_finds() { guest exc-instance-connect doctor --json | jq -r ".findings[] | select(.name == \"$1\") | \"\(.level) \(.text)\""; }

@test "the doctor knows EC2" {
	imds_start
	[ "$(doctor_finds instance)" = "good this is $EC2_INSTANCE, according to SMBIOS board asset tag" ]
	[ "$(doctor_finds signer)" = "good $EC2_NAME is trusted" ]
	[[ "$(doctor_finds endpoint)" == "good http://169.254.169.254 answers in "* ]]
	[[ "$(doctor_finds PAM)" == "good the module is not needed"* ]]
	[ -z "$(doctor_finds 'trust anchors')" ]
	rm "$META/managed-ssh-keys/signer-ocsp/$(ec2_fingerprint leaf sha1)"
	[[ "$(doctor_finds signer)" == "bad $EC2_NAME: the staple of /CN=$EC2_NAME is missing (staple_missing)" ]]
	rm "$META/managed-ssh-keys/signer-cert"
	[[ "$(doctor_finds signer)" == "good "*"only while there is a pushed key" ]]
	tag i-0aaaaaaaaaaaaaaaa
	[[ "$(doctor_finds instance)" == "bad the metadata service says $EC2_INSTANCE, SMBIOS i-0aaaaaaaaaaaaaaaa" ]]
	imds_stop
	[[ "$(doctor_finds endpoint)" == "bad "*"(endpoint_unreachable)" ]]
}
