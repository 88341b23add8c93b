#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The SELinux module, linked into Debian's base policy and asked what it allows. Nothing here enforces it:
# a traced login is held against the policy instead.

load file_guest

# What is traced is as slow as the machine is busy.
export TIMEOUT_MS=10000
# What changes a file
CHANGES='write|append|create|setattr|unlink|rename|link|add_name|remove_name'
BASE=default # Debian's policy for servers; that of Fedora is called targeted

setup_file() {
	make -C "$EXC_BUILD" selinux/exc_instance_connect.pp
	MODULE=$EXC_BUILD/selinux/exc_instance_connect.pp
	export MODULE
	[ -d "/var/lib/selinux/$BASE/active" ] || return 0
	cd "$BATS_FILE_TMPDIR"
	checkmodule -M -m -o selinux_newer.mod "$BATS_TEST_DIRNAME/selinux_newer.te"
	semodule_package -o selinux_newer.pp -m selinux_newer.mod
	link_into "$PWD/stock" "$MODULE" &
	stock=$!
	link_into "$PWD/newer" "$MODULE" "$PWD/selinux_newer.pp"
	wait "$stock"
	STOCK=$(echo "$PWD/stock/etc/selinux/$BASE"/policy/policy.*)
	NEWER=$(echo "$PWD/newer/etc/selinux/$BASE"/policy/policy.*)
	CONTEXTS=$PWD/stock/etc/selinux/$BASE/contexts/files/file_contexts
	POLICY=$PWD/policy
	policy dump "$NEWER" exc_instance_connect_t exc_instance_connect_fetch_t any_process_t sshd_t sshd_session_t init_t \
		systemd_tmpfiles_t >"$POLICY"
	export STOCK NEWER CONTEXTS POLICY
	file_guest_start
	[ -z "${GUEST_DIR-}" ] || chmod 0755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
}

setup() {
	[ -n "${STOCK-}" ] || [ "$BATS_TEST_NUMBER" -eq 1 ] || skip "this machine has no base policy (selinux-policy-default)"
}

# link_into ROOT MODULE...: a copy of this machine's policy, and its neverallow rules checked as well
link_into() {
	local root=$1 module options=()
	shift
	for module; do options+=(-i "$module"); done
	mkdir -p "$root/etc" "$root/var/lib"
	cp -a /etc/selinux "$root/etc/"
	cp -a /var/lib/selinux "$root/var/lib/"
	sed -i 's/^expand-check *=.*/expand-check = 1/' "$root/etc/selinux/semanage.conf"
	grep -q '^expand-check = 1$' "$root/etc/selinux/semanage.conf"
	semodule -p "$root" -s "$BASE" -n -X 200 "${options[@]}"
}

# transitions POLICY: who becomes the agent
transitions() {
	sesearch -T -t exc_instance_connect_exec_t "$1" | grep -v '^$' | sort |
		sed -E 's/^type_transition (\w*) exc_instance_connect_exec_t:process exc_instance_connect_t;/\1/'
}

# may DOMAIN TYPE CLASS PERMISSIONS: what of it the policy allows, with booleans and attributes resolved;
# each of the last three is an extended regular expression
may() { grep -E "^allow $1 ($2) ($3) ($4) " "$POLICY" | cut -d' ' -f3-; }

policy() { "$PYTHON" "$BATS_TEST_DIRNAME/selinux_policy.py" "$@"; }

# rehearse TRACE [BOOLEAN...]: what the trace shows, held against the policy, where it was made
rehearse() {
	local trace=$1
	shift
	guest "$PYTHON" "$BATS_TEST_DIRNAME/selinux_policy.py" rehearse "$POLICY" "$CONTEXTS" "$trace" "$@"
}

TRACE="strace -f -qq -yy -s 400 -e trace=%file,%desc,%network,%process,prctl,prlimit64 -o"

# trace_sshd FILE: from here on, until untrace
trace_sshd() {
	# shellcheck disable=SC2086 # options
	guest $TRACE "$1" -p "$(guest pgrep -o -x sshd)" >/dev/null 2>&1 3>&- &
	wait_for sshd_is_traced
}
sshd_is_traced() { guest grep -q '^TracerPid:.[1-9]' "/proc/$(guest pgrep -o -x sshd)/status"; }
sshd_is_not_traced() { ! sshd_is_traced; }
untrace() {
	guest pkill -INT -x strace
	wait_for sshd_is_not_traced
}

@test "checkmodule builds the module in a version that RHEL 8 reads" {
	cd "$BATS_TEST_TMPDIR"
	semodule_unpackage "$MODULE" module.mod module.fc
	# After the magic number: a string with its length, what it is (2, a module), and the version.
	[ "$(od -An -t x4 -N 4 module.mod | tr -d ' ')" = f97cff8d ]
	[ "$(od -An -t u4 -j 4 -N 4 module.mod | tr -d ' ')" -eq 15 ]
	[ "$(od -An -t u4 -j 23 -N 8 module.mod | tr -s ' ')" = " 2 19" ]
	grep -q '^/usr/bin/exc-instance-connect' module.fc
}

@test "sshd and systemd run the agent in its own domain, and nobody else does" {
	[ "$(transitions "$STOCK")" = \
"init_t
sshd_t [ exc_instance_connect_run_next_command ]:False" ]
	[ -n "$(may sshd_t exc_instance_connect_t process transition)" ]
	[ -n "$(may init_t exc_instance_connect_t process transition)" ]
	# Our services have NoNewPrivileges=yes, which stops a transition that the policy does not expect.
	grep -qr '^NoNewPrivileges=yes' "$BATS_TEST_DIRNAME/../../systemd"
	[ -n "$(may init_t exc_instance_connect_t process2 nnp_transition)" ]
	# Root runs "sshd enable" and "doctor" as what root is. (So do the scripts of a package: the list above
	# is all there is.)
	sesearch -A -s unconfined_t -t exc_instance_connect_exec_t -c file -p execute_no_trans "$STOCK" | grep -q .
}

@test "where the base policy has sshd_session_t, sshd's session runs it in the same domain" {
	run seinfo -t sshd_session_t "$STOCK"
	[[ "$output" == *"Types: 0"* ]]
	[ "$(transitions "$NEWER")" = \
"init_t
sshd_session_t [ exc_instance_connect_run_next_command ]:False
sshd_t [ exc_instance_connect_run_next_command ]:False" ]
	# What the module lets the one do, it lets the other do.
	for sshd in sshd_t sshd_session_t; do
		{
			may "$sshd" 'exc_instance_connect_(exec|var_lib|var_run)_t' '\w*' '\w*'
			may "$sshd" exc_instance_connect_t process 'signal|transition'
			may exc_instance_connect_t "$sshd" '\w*' '\w*' | sed 's/^[^ ]*/sshd/'
		} | sort >"$BATS_TEST_TMPDIR/$sshd"
	done
	diff "$BATS_TEST_TMPDIR/sshd_t" "$BATS_TEST_TMPDIR/sshd_session_t"
	for rule in 'exc_instance_connect_exec_t file execute' 'exc_instance_connect_t process transition' \
		'exc_instance_connect_var_run_t file create' 'exc_instance_connect_var_lib_t file rename' 'sshd fifo_file write'; do
		grep -qx "$rule always" "$BATS_TEST_TMPDIR/sshd_session_t"
	done
}

@test "the agent runs its fetch program in another domain, and nobody else enters that" {
	[ "$(sesearch -T -t exc_instance_connect_fetch_exec_t "$STOCK" | grep -v '^$')" = \
		"type_transition exc_instance_connect_t exc_instance_connect_fetch_exec_t:process exc_instance_connect_fetch_t;" ]
	[ "$(sesearch -A -t exc_instance_connect_fetch_t -c process -p transition "$STOCK" | grep -o '^allow exc_[a-z_]*')" = \
		"allow exc_instance_connect_t" ]
	[ -n "$(may exc_instance_connect_t exc_instance_connect_fetch_t process transition)" ]
	# Below our services, and below an sshd with NoNewPrivileges=yes
	[ -n "$(may exc_instance_connect_t exc_instance_connect_fetch_t process2 nnp_transition)" ]
	# Root's "doctor" and "report" run it as what root is.
	sesearch -A -s unconfined_t -t exc_instance_connect_fetch_exec_t -c file -p execute_no_trans "$STOCK" | grep -q .
}

@test "agent and fetch program may do what selinux.allowed says, beyond what every process may, and nothing else" {
	policy same "$POLICY" any_process_t "$BATS_TEST_DIRNAME/selinux.allowed"
}

@test "a rule more in the module, or one less, is noticed" {
	grep -v '^http_port_t:tcp_socket' "$BATS_TEST_DIRNAME/selinux.allowed" >"$BATS_TEST_TMPDIR/more"
	run policy same "$POLICY" any_process_t "$BATS_TEST_TMPDIR/more"
	[ "$status" -eq 1 ]
	[ "$output" = "exc_instance_connect_fetch_t may, and it is not written down: http_port_t:tcp_socket name_connect" ]
	sed 's/^domain exc_instance_connect_t$/&\nshadow_t:file read/' "$BATS_TEST_DIRNAME/selinux.allowed" >"$BATS_TEST_TMPDIR/less"
	run policy same "$POLICY" any_process_t "$BATS_TEST_TMPDIR/less"
	[ "$status" -eq 1 ]
	[ "$output" = "exc_instance_connect_t may not, and it is written down: shadow_t:file read" ]
}

@test "the fetch program may connect to the ports of http and to no other, and the agent to none" {
	[ "$(may exc_instance_connect_fetch_t '\w*' '\w*' name_connect)" = "http_port_t tcp_socket name_connect always" ]
	grep -q '^port 80 80 http_port_t$' "$POLICY"
	[ -z "$(may exc_instance_connect_fetch_t '\w*' '\w*' name_bind)" ]
	[ -n "$(may exc_instance_connect_fetch_t exc_instance_connect_fetch_t tcp_socket create)" ]
	[ -z "$(may exc_instance_connect_t exc_instance_connect_t '(tcp|udp|rawip|packet|netlink_\w*)_socket' create)" ]
}

@test "the fetch program may read neither the trust anchors nor the ledger, and write no file" {
	types='exc_instance_connect_(conf|var_lib|var_run)_t|sshd_key_t|shadow_t|user_home_t|user_home_dir_t|ssh_home_t'
	[ -n "$(may exc_instance_connect_t "$types" file read)" ]
	[ -z "$(may exc_instance_connect_fetch_t "$types" '\w*' '\w*')" ]
	[ -z "$(may exc_instance_connect_fetch_t 'exc_instance_connect_t|sshd_t|sshd_session_t' 'file|dir|lnk_file' '\w*')" ]
	[ "$(may exc_instance_connect_fetch_t '\w*' 'file|dir|lnk_file' "$CHANGES" | cut -d' ' -f1 | sort -u)" = \
		exc_instance_connect_fetch_t ]
	[ -z "$(may exc_instance_connect_fetch_t '\w*' 'capability2?' '\w*')" ]
}

@test "the agent may not write /etc, homes, programs or its own configuration, nor read passwords and homes" {
	types='etc_t|passwd_file_t|exc_instance_connect_conf_t|exc_instance_connect_exec_t|user_home_t|ssh_home_t|sshd_key_t|bin_t|lib_t'
	[ -z "$(may exc_instance_connect_t "$types" 'file|dir|lnk_file' "$CHANGES")" ]
	[ -z "$(may exc_instance_connect_t 'shadow_t|user_home_t|user_home_dir_t|ssh_home_t' 'file|dir' '\w*')" ]
	[ -z "$(may exc_instance_connect_t '\w*' 'capability2?' '\w*')" ]
	# What it may write at all:
	[ "$(may exc_instance_connect_t '\w*' 'file|dir' "$CHANGES" | cut -d' ' -f1 | sort -u)" = \
"exc_instance_connect_t
exc_instance_connect_var_lib_t
exc_instance_connect_var_run_t" ]
}

@test "the agent runs itself and its fetch program, and that runs nothing" {
	changes='transition|dyntransition|setexec|setcurrent'
	[ "$(may exc_instance_connect_t '\w*' file execute_no_trans)" = "exc_instance_connect_exec_t file execute_no_trans always" ]
	[ "$(may exc_instance_connect_t '\w*' process "$changes")" = "exc_instance_connect_fetch_t process transition always" ]
	[ -z "$(may exc_instance_connect_fetch_t '\w*' file execute_no_trans)" ]
	[ -z "$(may exc_instance_connect_fetch_t '\w*' process "$changes")" ]
	for domain in exc_instance_connect_t exc_instance_connect_fetch_t; do
		[ -z "$(may "$domain" 'shell_exec_t|bin_t' file 'execute|map')" ]
	done
	grep -q '^bool exc_instance_connect_run_next_command False$' "$POLICY"
	grep -q '^bool exc_instance_connect_resolve_names False$' "$POLICY"
}

@test "our files have our labels, by either name of /run" {
	labels() { matchpathcon -N -n -f "$CONTEXTS" -m "$1" "$2" | cut -d: -f3; }
	[ "$(labels file /usr/bin/exc-instance-connect)" = exc_instance_connect_exec_t ]
	[ "$(labels file /usr/libexec/exc-instance-connect/agent)" = exc_instance_connect_exec_t ]
	[ "$(labels file /usr/libexec/exc-instance-connect/fetch)" = exc_instance_connect_fetch_exec_t ]
	[ "$(labels file /etc/exc-instance-connect/trust.d/operator.pem)" = exc_instance_connect_conf_t ]
	[ "$(labels dir /var/lib/exc-instance-connect/receipts)" = exc_instance_connect_var_lib_t ]
	[ "$(labels dir /run/exc-instance-connect/used)" = exc_instance_connect_var_run_t ]
	[ "$(labels dir /var/run/exc-instance-connect)" = exc_instance_connect_var_run_t ]
	# The other way round: a policy that looks up /run as /var/run
	sed 's|^/var/run /run$|/run /var/run|' "$CONTEXTS.subs_dist" >"$BATS_TEST_TMPDIR/file_contexts.subs_dist"
	grep -q '^/run /var/run$' "$BATS_TEST_TMPDIR/file_contexts.subs_dist"
	cp "$CONTEXTS" "$BATS_TEST_TMPDIR/file_contexts"
	[ "$(CONTEXTS=$BATS_TEST_TMPDIR/file_contexts labels dir /run/exc-instance-connect/used)" = exc_instance_connect_var_run_t ]
}

@test "systemd-tmpfiles may make the ledger, and the file that tells when" {
	for permission in create setattr relabelto; do
		[ -n "$(may systemd_tmpfiles_t exc_instance_connect_var_run_t dir "$permission")" ]
		[ -n "$(may systemd_tmpfiles_t exc_instance_connect_var_run_t file "$permission")" ]
	done
}

@test "all that a login, its receipt and the host keys are seen to do, the policy allows" {
	file_guest_ready
	printf 'timeout_ms = 1000\n' >"$GUEST_DIR/agent.conf"
	guest install -m 0644 "$GUEST_DIR/agent.conf" /etc/exc-instance-connect/agent.conf
	guest sh -c 'echo "42 $(cat /etc/machine-id)" >/var/lib/exc-instance-connect/instance-id &&
		chmod 0644 /var/lib/exc-instance-connect/instance-id'
	trace_sshd "$GUEST_DIR/login.trace"
	login "$(ask ubuntu)" ubuntu true
	untrace
	guest rm /var/lib/exc-instance-connect/instance-id
	run rehearse "$GUEST_DIR/login.trace"
	echo "$output"
	[ "$status" -eq 0 ]
	for seen in "exc_instance_connect_fetch_t http_port_t:tcp_socket name_connect" \
		"exc_instance_connect_t exc_instance_connect_exec_t:file execute_no_trans" \
		"exc_instance_connect_t exc_instance_connect_fetch_t:process transition" \
		"exc_instance_connect_t exc_instance_connect_fetch_t:process sigkill" \
		"exc_instance_connect_fetch_t exc_instance_connect_t:unix_stream_socket read" \
		"exc_instance_connect_fetch_t exc_instance_connect_fetch_t:process setrlimit" \
		"exc_instance_connect_t exc_instance_connect_var_run_t:file link" \
		"exc_instance_connect_t exc_instance_connect_var_lib_t:file read" \
		"exc_instance_connect_t exc_instance_connect_conf_t:file read" \
		"exc_instance_connect_t syslogd_t:unix_dgram_socket sendto" \
		"exc_instance_connect_t sshd_t:file read" "exc_instance_connect_t sshd_t:fifo_file write" \
		"sshd_t exc_instance_connect_var_run_t:file create" \
		"sshd_t exc_instance_connect_var_lib_t:file rename"; do
		[[ $'\n'"$output"$'\n' == *$'\n'"allowed $seen"$'\n'* ]] || { echo "not seen: $seen"; false; }
	done
	for command in report publish-host-keys; do
		# shellcheck disable=SC2086 # options
		guest $TRACE "$GUEST_DIR/service.trace" setpriv --reuid exc-instance-connect --regid exc-instance-connect \
			--clear-groups /usr/bin/exc-instance-connect "$command"
		rehearse "$GUEST_DIR/service.trace" >"$BATS_TEST_TMPDIR/$command" || { cat "$BATS_TEST_TMPDIR/$command"; false; }
	done
	grep -qx "allowed exc_instance_connect_t exc_instance_connect_var_lib_t:file unlink" "$BATS_TEST_TMPDIR/report"
	grep -qx "allowed exc_instance_connect_t sshd_key_t:file read" "$BATS_TEST_TMPDIR/publish-host-keys"
}

@test "an https endpoint needs no more than http" {
	file_guest_ready
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$GUEST_DIR/tls.key" -out "$GUEST_DIR/tls.pem" \
		-subj /CN=metadata -addext "subjectAltName=IP:$METADATA_ADDRESS" -days 1 2>/dev/null
	operator openssl s_server -accept "$METADATA_ADDRESS:443" -www -cert "$GUEST_DIR/tls.pem" -key "$GUEST_DIR/tls.key" \
		>"$GUEST_DIR/tls.out" 2>&1 3>&- </dev/null &
	server=$!
	wait_for grep -q ACCEPT "$GUEST_DIR/tls.out"
	agent_conf "metadata_url = https://$METADATA_ADDRESS"
	trace_sshd "$GUEST_DIR/https.trace"
	run login "$(ask ubuntu)" ubuntu true
	untrace
	kill "$server"
	[ "$status" -eq 255 ]
	[ "$(events EVENT REASON)" = "problem endpoint_unreachable" ] # nobody vouches for that certificate
	run rehearse "$GUEST_DIR/https.trace"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"allowed exc_instance_connect_fetch_t cert_t:file read"* ]]
	[[ "$output" != *"allowed exc_instance_connect_t cert_t:"* ]]
}

@test "an endpoint with a name needs the boolean for it, and no more" {
	file_guest_ready
	guest sh -c "echo '$METADATA_ADDRESS metadata.test' >>/etc/hosts"
	agent_conf 'metadata_url = http://metadata.test'
	trace_sshd "$GUEST_DIR/name.trace"
	login "$(ask ubuntu)" ubuntu true
	untrace
	run rehearse "$GUEST_DIR/name.trace"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"FORBIDDEN exc_instance_connect_fetch_t net_conf_t:file read: /etc/hosts"* ]]
	run rehearse "$GUEST_DIR/name.trace" exc_instance_connect_resolve_names
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a next_command needs the boolean for it: the agent then stays in sshd's domain" {
	file_guest_ready
	printf '#!/bin/sh\ncat /usr/share/corporate-keys\n' >"$GUEST_DIR/other"
	guest install -m 0755 "$GUEST_DIR/other" /usr/bin/other-keys
	ssh-keygen -q -t ed25519 -N '' -f "$GUEST_DIR/keys/corporate"
	guest install -m 0644 "$GUEST_DIR/keys/corporate.pub" /usr/share/corporate-keys
	agent_conf 'next_command = /usr/bin/other-keys %u'
	trace_sshd "$GUEST_DIR/next.trace"
	login "$GUEST_DIR/keys/corporate" ubuntu true
	login "$(ask ubuntu)" ubuntu true
	untrace
	run rehearse "$GUEST_DIR/next.trace"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"FORBIDDEN exc_instance_connect_t bin_t:file execute: /usr/bin/other-keys"* ]]
	# That is all it needs, so one-time keys do not suffer.
	[ -z "$(grep FORBIDDEN <<<"$output" | grep -v ' bin_t:')" ]
	run rehearse "$GUEST_DIR/next.trace" exc_instance_connect_run_next_command
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"allowed sshd_t bin_t:file execute_no_trans"* ]]
	[[ "$output" == *"allowed sshd_t http_port_t:tcp_socket name_connect"* ]]
	[[ "$output" == *"allowed sshd_t exc_instance_connect_fetch_exec_t:file execute_no_trans"* ]]
	[[ "$output" != *"allowed exc_instance_connect_t"* ]]
	[[ "$output" != *"allowed exc_instance_connect_fetch_t"* ]]
}
