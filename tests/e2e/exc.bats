#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exc as a person uses it: connect, exec and scp with one-time keys, and what it says when it cannot.

load file_guest
load person

setup_file() {
	file_person_start
}

setup() {
	file_guest_ready
	cd "$PERSON_DIR/home"
}

teardown() {
	[ ! -s "$BATS_TEST_TMPDIR/api.pid" ] || kill "$(<"$BATS_TEST_TMPDIR/api.pid")"
}

# unsteady MODE: an API that makes trouble, as the person's endpoint
unsteady() {
	operator "$PYTHON" "$BATS_TEST_DIRNAME/unsteady_api.py" "$1" 8444 "$BATS_TEST_TMPDIR/requests" \
		>"$BATS_TEST_TMPDIR/api.out" 2>&1 3>&- </dev/null &
	wait_for grep -q ready "$BATS_TEST_TMPDIR/api.out"
	pgrep -f "unsteady_api.py $1 8444 $BATS_TEST_TMPDIR" | tail -n 1 >"$BATS_TEST_TMPDIR/api.pid"
	PERSON_ENV=EXC_ENDPOINT=http://127.0.0.1:8444
}

# instance LINE...: instance 42 with these options instead of what it has
instance() {
	connectd instance remove 42
	connectd instance add 42 --address "$GUEST_ADDRESS" --host "$GUEST_ADDRESS" "$@"
}

as_it_was() { instance --user ubuntu --user ana --host-key "$(cut -d' ' -f2- "$GUEST_DIR/known_hosts")"; }

# Everything that a person's files hold
person_files() { find "$PERSON_DIR/home" "$PERSON_DIR/tmp" "$PERSON_DIR/run" /dev/shm -type f; }

@test "exc compute connect --vm_id 42 --user ubuntu" {
	# shellcheck disable=SC2016 # for the shell on the instance
	run on_terminal '$ ' $'echo "I am $(id -un) on $(tty)"\n' 'I am ubuntu' $'exit 5\n' -- \
		exc compute connect --vm_id 42 --user ubuntu
	echo "$output"
	[ "$status" -eq 5 ]
	[[ "$output" == *"I am ubuntu on /dev/pts/"* ]]
}

@test "exc compute exec --vm-id 42 --command 'systemctl status nginx'" {
	# A systemctl that says what it was told: nothing of this guest runs systemd.
	guest sh -c 'printf "#!/bin/sh\necho \"\$0 \$*\"\nexit 3\n" >/usr/local/bin/systemctl; chmod 0755 /usr/local/bin/systemctl'
	run person exc compute exec --vm-id 42 --command 'systemctl status nginx'
	guest rm /usr/local/bin/systemctl
	echo "$output"
	[ "$status" -eq 3 ]
	[ "$output" = "/usr/local/bin/systemctl status nginx" ]
	[ "$(events EVENT USER CALLER)" = "offered ubuntu user:ana
used ubuntu user:ana" ]
}

@test "exc compute scp --vm-id 42 --src ./a --dst /tmp/a" {
	head -c 100000 /dev/urandom >a
	person exc compute scp --vm-id 42 --src ./a --dst /tmp/a
	guest cat /tmp/a | cmp a -
	[ "$(guest stat -c %U /tmp/a)" = ubuntu ]
	guest rm /tmp/a
}

@test "exec ends with the status of the command" {
	for expected in 0 1 77 254; do
		run person exc compute exec --vm-id 42 --command "exit $expected"
		[ "$status" -eq "$expected" ]
	done
	run person exc compute exec --vm-id 42 --command 'kill -TERM $$'
	[ "$status" -eq 255 ] # which is what ssh makes of it
}

@test "exec keeps input, output and errors apart, and has no terminal" {
	head -c 70000 /dev/urandom >in
	person exc compute exec --vm-id 42 --command 'cat; echo problem >&2; tty >&2' <in >out 2>err || true
	cmp in out
	[ "$(cat err)" = "problem
not a tty" ]
}

@test "the key of an exec runs nothing else, whatever ssh asks for" {
	mkdir -p other
	# An ssh that asks for id instead of what it was told
	printf '#!/bin/bash\nexec /usr/bin/ssh "${@:1:$#-1}" id\n' >other/ssh
	chmod 0755 other/ssh
	PERSON_ENV="PATH=$PERSON_DIR/home/other:$PERSON_DIR/bin:/usr/bin:/bin"
	run person exc compute exec --vm-id 42 --command 'echo granted'
	[ "$status" -eq 0 ]
	[ "$output" = granted ]
}

@test "options are spelled with _ or -, and --user may be left out or name another" {
	[ "$(person exc compute exec --vm_id=42 --command 'id -un')" = ubuntu ]
	[ "$(person exc compute exec --vm-id 42 --user ana --command 'id -un')" = ana ]
	run person exc compute exec --vm-id 42 --user root --command true
	[ "$status" -eq 255 ]
	[[ "$output" == *"(compute.instance.user_not_allowed, request req_"* ]]
}

@test "connect passes what is after -- to ssh, and its own settings cannot be undone there" {
	[ "$(person exc compute connect --vm_id 42 -- -T 'echo over there')" = "over there" ]
	instance --user ubuntu --host-key "ssh-ed25519 $(ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/k" && cut -d' ' -f2 "$BATS_TEST_TMPDIR/k.pub")"
	run person exc compute connect --vm_id 42 -- -o StrictHostKeyChecking=no -T true
	as_it_was
	[ "$status" -eq 255 ]
	[[ "$output" == *"Host key verification failed"* ]]
}

@test "nothing of the person's own configuration, agent or keys has a part in it" {
	mkdir -p .ssh
	printf 'Host *\n\tProxyCommand false\n\tUser nobody\n' >.ssh/config
	chown -R "$PERSON" .ssh
	[ "$(person exc compute exec --vm-id 42 --command 'id -un')" = ubuntu ]
	rm -r .ssh
	person exc compute exec --vm-id 42 --command true
	[ ! -e .ssh ]
}

@test "without a host key from the control plane, exc says so and does not go on without a terminal" {
	instance --user ubuntu
	run operator setsid -w bash -c "exec 3>&-; $(person_shell); person exc compute exec --vm-id 42 --command true" </dev/null
	as_it_was
	echo "$output"
	[ "$status" -eq 255 ]
	[[ "$output" == *"has no host key for VM 42"*"publish-host-keys"* ]]
	[ -z "$(events)" ]
}

@test "on a terminal a host key that nobody knows is asked about, and no means no" {
	instance --user ubuntu
	run on_terminal '(yes/no' $'no\n' -- exc compute connect --vm_id 42
	no=$output
	run on_terminal '(yes/no' $'yes\n' -- exc compute connect --vm_id 42 -- echo in
	as_it_was
	[[ "$no" == *"ED25519 key fingerprint is SHA256:"*"Host key verification failed"* ]]
	[[ "$output" == *"in"* ]]
	[ "$status" -eq 0 ]
}

@test "a host key that changed without the operator's word is warned of" {
	instance --user ubuntu
	for i in 1 2; do
		ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/$i"
		guest curl -sf -X PUT -H 'X-Exc-Metadata: 1' -H 'Content-Type: application/json' \
			-d "{\"host_keys\":[\"$(cut -d' ' -f1,2 "$BATS_TEST_TMPDIR/$i.pub")\"]}" \
			"http://$METADATA_ADDRESS/v1/instance-connect/host-keys"
	done
	run person exc compute exec --vm-id 42 --command true
	log=$(person exc compute connect-log --vm-id 42 2>&1)
	as_it_was
	[ "$status" -eq 255 ]
	[[ "$output" == *"WARNING: the host keys of VM 42 changed at 20"* ]]
	[[ "$log" == *"HOST KEYS CHANGED"* ]]
	[[ "$log" == *"WARNING: the VM's host keys changed"* ]]
}

@test "the private half is written to no file and is in none afterwards" {
	[ -z "${EXC_CLIENT-}" ] || skip "what finds leaks and strace do not go together"
	person strace -f -s 4000 -e trace=openat,read,write,pwrite64,writev,sendto,sendmsg,memfd_create -o trace \
		exc compute exec --vm-id 42 --command true
	# It would be seen: ssh reads it, and where from is in the line that opens that.
	grep -q 'read(.*BEGIN OPENSSH PRIVATE KEY' trace
	run grep -E '(write|send)[a-z0-9]*\(.*(BEGIN OPENSSH PRIVATE KEY|openssh-key-v1)' trace
	[ "$status" -eq 1 ]
	grep 'openat(.*/proc/[0-9]*/fd/' trace | grep -v ENOENT | grep -q O_RDONLY
	rm trace
	run bash -c "$(declare -f person_files); person_files | xargs -r grep -l 'OPENSSH PRIVATE KEY'"
	[ -z "$output" ]
}

# An exec that lasts, in the background: job, its pid, and the file that is its key
long_exec() {
	# The one before said the same, and who waits may look before the shell below empties it.
	rm -f "$BATS_TEST_TMPDIR/out"
	person exc compute exec --vm-id 42 --command 'echo here; exec sleep 60' >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	job=$!
	wait_for grep -q here "$BATS_TEST_TMPDIR/out"
	pid=$(of_operator pgrep -fx "exc compute exec --vm-id 42 --command echo here; exec sleep 60")
	key=$(find "/proc/$pid/fd" -lname '*memfd:key*')
}

@test "SIGTERM, SIGINT and SIGHUP end ssh and wipe the key, also for whoever has it open" {
	for signal in TERM INT HUP; do
		long_exec
		exec 8<"$key"
		head -c 20 "$key" | grep -q BEGIN
		kill "-$signal" "$pid"
		wait "$job" || true
		[ "$(head -c 4000 <&8 | tr -d '\0' | wc -c)" -eq 0 ]
		exec 8<&-
		[ ! -e "/proc/$pid" ]
		run of_operator pgrep -f "^ssh .*/proc/.*exec sleep 60"
		[ -z "$output" ]
	done
}

@test "kill -9 of exc takes ssh with it, and the key is gone" {
	long_exec
	kill -9 "$pid"
	wait "$job" || true
	ssh_is_gone() { ! of_operator pgrep -f "^ssh .*/proc/.*exec sleep 60" >/dev/null; }
	wait_for ssh_is_gone
	[ ! -e "$key" ]
}

@test "scp downloads, copies trees over one connection, and takes any name" {
	guest sh -c 'mkdir -p /home/ubuntu/there/sub; cd /home/ubuntu/there; echo 1 >"a b"; echo 2 >sub/-c; chmod -R a+rX .'
	person exc compute scp --vm_id 42 --download --recursive --src there --dst ./here
	[ "$(cat "here/a b" here/sub/-c)" = "1
2" ]
	echo 3 >'with:colon'
	echo 4 >-dash
	person exc compute scp --vm-id 42 --src with:colon --dst colon
	person exc compute scp --vm-id 42 --src=-dash --dst 'a dash'
	[ "$(guest cat /home/ubuntu/colon '/home/ubuntu/a dash')" = "3
4" ]
	[ "$(events EVENT | sort | uniq -c | tr -s ' ' | paste -sd,)" = " 3 offered, 3 used" ]
}

@test "scp works with sftp and with the scp protocol, and keeps to the umask" {
	echo 5 >five
	chmod 0644 five
	for protocol in -s -O; do
		person exc compute scp --vm-id 42 --src five --dst "five$protocol" -- -p "$protocol"
		[ "$(guest cat "/home/ubuntu/five$protocol")" = 5 ]
		person bash -c "umask 022; exc compute scp --vm-id 42 --download --src /etc/hostname --dst got$protocol -- $protocol"
		[ -n "$(find "got$protocol" -perm -044)" ]
	done
}

@test "scp shows its progress on a terminal" {
	head -c 1000000 /dev/zero >zeros
	run on_terminal -- exc compute scp --vm-id 42 --src zeros --dst zeros
	[ "$status" -eq 0 ]
	[[ "$output" == *"100%"* ]]
}

# seconds COMMAND...
seconds() {
	local start=${EPOCHREALTIME/./}
	"$@"
	local hundredths=$(((${EPOCHREALTIME/./} - start) / 10000))
	printf '%d.%02d\n' $((hundredths / 100)) $((hundredths % 100))
}

@test "100 MiB through exec and scp, both ways, are the same bytes; times are next to plain scp's" {
	head -c 104857600 /dev/urandom >big
	chmod 0644 big
	key=$(ordinary_key ubuntu)
	cp "$key" own
	cp "$GUEST_DIR/known_hosts" hosts
	chown "$PERSON" own hosts
	options="-q -i own -F none -o IdentitiesOnly=yes -o UserKnownHostsFile=hosts"
	# shellcheck disable=SC2086 # a list of options
	{
		echo "# plain scp up: $(seconds person scp $options big "ubuntu@$GUEST_ADDRESS:plain") s"
		echo "# plain scp down: $(seconds person scp $options "ubuntu@$GUEST_ADDRESS:plain" plain) s"
		echo "# exc compute scp up: $(seconds person exc compute scp --vm-id 42 --src big --dst up) s"
		echo "# exc compute scp down: $(seconds person exc compute scp --vm-id 42 --download --src up --dst down) s"
		echo "# exc compute exec 'cat > f': $(seconds person exc compute exec --vm-id 42 --command 'cat > f' <big) s"
		echo "# exc compute exec 'cat f': $(seconds person sh -c "exc compute exec --vm-id 42 --command 'cat f' >catted") s"
	} >&3
	for file in plain down catted; do
		cmp big "$file"
	done
	guest cat /home/ubuntu/up | cmp big -
	guest rm /home/ubuntu/up /home/ubuntu/f /home/ubuntu/plain
	rm big plain down catted
}

@test "a principal without the permission gets a 403 that says what to do, an audit row and no grant" {
	PERSON_TOKEN=$(connectd token add user:eve --instance 99) run person exc compute exec --vm-id 42 --command true
	echo "$output"
	[ "$status" -eq 255 ]
	[[ "$output" == *"(compute.instance.forbidden, request req_"* ]]
	[[ "$output" == *"ask your administrator for access to this VM; exc me shows who you are"* ]]
	request=$(sed -n 's/.*request \(req_[0-9a-f]*\).*/\1/p' <<<"$output")
	[ "$(connectd audit --json --limit 50 | jq -r ".[] | select(.request_id == \"$request\") | .event + \" \" + .caller")" = "refused user:eve" ]
	[ -z "$(events)" ]
}

@test "with a token for instance 42, 42 works and 43 does not" {
	PERSON_TOKEN=$(connectd token add user:bob --instance 42)
	person exc compute exec --vm-id 42 --command true
	run person exc compute exec --vm-id 43 --command true
	[ "$status" -eq 255 ]
	[[ "$output" == *"compute.instance.forbidden"* ]]
}

@test "what is wrong with the account is said with what to do" {
	says() {
		local expected=$1
		shift
		run person "$@"
		echo "$output"
		[ "$status" -eq 255 ] && [[ "$output" == *"$expected"* ]]
	}
	PERSON_ENV=EXCLOUD_ACCESS_TOKEN= says "no token found: run exc login, or set EXCLOUD_ACCESS_TOKEN" exc me
	PERSON_ENV=EXCLOUD_ACCESS_TOKEN=wrong says "run exc login, or set EXCLOUD_ACCESS_TOKEN to a valid token" exc me
	says "(compute.auth.invalid_token, request req_" env EXCLOUD_ACCESS_TOKEN=wrong exc compute exec --vm-id 42 --command true
	says "plain http is for this machine itself only" exc me --endpoint http://10.97.0.1:8443
	says "http://127.0.0.1:1: Couldn't connect to server (exc.network)" exc me --endpoint http://127.0.0.1:1
	says "--vm-id is missing" exc compute connect
	says "--vm-id ../etc is not the id of a VM" exc compute connect --vm-id ../etc
	says "unknown option --vm; try exc compute exec --help" exc compute exec --vm 42
	says "one line of up to 1024 bytes" exc compute exec --vm-id 42 --command $'a\nb'
	says "unknown command compute conect" exc compute conect
	[ -z "$(events)" ]
}

@test "every command has help, with -h and --help" {
	for words in "" compute "compute connect" "compute exec" "compute scp" "compute console" "compute tunnel" \
		"compute connect-log" login me ssh-config; do
		for option in -h --help; do
			# shellcheck disable=SC2086 # words
			run person exc $words $option
			[ "$status" -eq 0 ]
			[[ "$output" == "Usage: exc ${words:+${words% *}}"* ]]
			[[ "$output" == *"-h, --help"* ]]
		done
	done
	[[ "$(person exc --version)" == "exc 0."* ]]
}

@test "--dry-run prints the ssh command and asks for no key" {
	run person exc compute connect --vm_id 42 --user ubuntu --dry-run --endpoint http://127.0.0.1:1 -- -L 80:a:80
	[ "$status" -eq 0 ]
	[[ "$output" == "ssh -F none -i KEY "*" -o StrictHostKeyChecking=yes "*" -o HostName=HOST -o Port=PORT ubuntu@exc-42 -L 80:a:80" ]]
	run person exc compute scp --vm_id 42 --src 'a b' --dst /tmp --via tunnel --dry-run
	[[ "$output" == "scp -F none "*"ProxyCommand="*"compute tunnel --session"*" -- './a b' USER@exc-42:/tmp" ]]
	run person exc compute exec --vm-id 42 --command 'a  b' --dry-run
	[[ "$output" == *" -T USER@exc-42 -- 'a  b'" ]]
}

@test "an answer that was lost is asked for again under the same key, and there is one grant" {
	before=$(connectd audit --json --limit 1000 | jq '[.[] | select(.event == "issued")] | length')
	unsteady drop
	run person exc compute exec --vm-id 42 --command 'id -un'
	[ "$status" -eq 0 ]
	[ "$output" = ubuntu ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/requests")" -eq 2 ]
	[ "$(sort -u "$BATS_TEST_TMPDIR/requests" | wc -l)" -eq 1 ]
	[ "$(connectd audit --json --limit 1000 | jq '[.[] | select(.event == "issued")] | length')" -eq $((before + 1)) ]
}

@test "what was done before is asked for anew, with another key" {
	unsteady done
	run person exc compute exec --vm-id 42 --command 'id -un'
	[ "$status" -eq 0 ]
	[ "$output" = ubuntu ]
	[ "$(sort -u "$BATS_TEST_TMPDIR/requests" | wc -l)" -eq 2 ]
}

@test "Retry-After is honoured when it is short, and said when it is long" {
	unsteady limited
	run person exc compute exec --vm-id 42 --command 'id -un'
	[ "$status" -eq 0 ]
	[[ "$output" == *"is busy; trying again in 1 s (compute.rate_limited)"*ubuntu ]]
	kill "$(<"$BATS_TEST_TMPDIR/api.pid")"
	unsteady busy
	run person exc me
	[ "$status" -eq 255 ]
	[[ "$output" == *"too many (compute.rate_limited, request req_busy)"*"try again in 3600 s" ]]
	[ "$(grep -c /iam/me "$BATS_TEST_TMPDIR/requests")" -eq 1 ]
}

@test "no redirect is followed, and what is not the API's answer is not believed" {
	for mode in redirect html garbage huge; do
		rm -f "$BATS_TEST_TMPDIR/requests"
		unsteady "$mode"
		run person exc me
		kill "$(<"$BATS_TEST_TMPDIR/api.pid")"
		echo "$mode: $output"
		[ "$status" -eq 255 ]
		[[ "$output" == *"(exc.answer)"* || "$output" == *"(exc.network)"* ]]
		[[ "$output" != *$'\033'* ]]
		[ "$(wc -l <"$BATS_TEST_TMPDIR/requests")" -le 3 ]
	done
	rm "$BATS_TEST_TMPDIR/api.pid"
}

@test "exc login tries the token and keeps it where nobody else can read it" {
	token=$PERSON_TOKEN
	PERSON_ENV="EXCLOUD_ACCESS_TOKEN= EXC_ENDPOINT="
	run person exc login --endpoint http://127.0.0.1:8443 --token-stdin <<<"wrong"
	[ "$status" -eq 255 ]
	[ ! -e .exc ]
	run person exc login --endpoint http://127.0.0.1:8443 --token-stdin <<<"$token"
	[ "$status" -eq 0 ]
	[[ "$output" == *"principal  user:ana"* ]]
	[[ "$output" != *"$token"* ]]
	[ "$(stat -c %a .exc .exc/config | paste -sd' ')" = "700 600" ]
	[ "$(ls -A .exc)" = config ]
	[ "$(person exc me --json | jq -r .principal)" = user:ana ]
	[ "$(person exc compute exec --vm-id 42 --command 'id -un')" = ubuntu ]
	chmod 0644 .exc/config
	run person exc me
	rm -r .exc
	[ "$status" -eq 255 ]
	[[ "$output" == *"has mode 0644"* ]]
}

@test "exc login asks on the terminal, without showing the token" {
	token=$PERSON_TOKEN
	PERSON_ENV="EXCLOUD_ACCESS_TOKEN= EXC_ENDPOINT="
	run on_terminal 'Endpoint [' $'http://127.0.0.1:8443\r' 'Token: ' "$token"$'\r' -- exc login
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"Endpoint [https://compute.excloud.in]:"*"Token:"*"saved in "* ]]
	[[ "$output" != *"$token"* ]]
	[ "$(jq -r .access_token .exc/config)" = "$token" ]
	rm -r .exc
}

@test "connect-log shows who asked and which keys were used, for people and as JSON" {
	person exc compute exec --vm-id 42 --command true
	run person exc compute connect-log --vm-id 42 --limit 3
	[ "$status" -eq 0 ]
	[[ "${lines[0]}" == "TIME "*"REASON" ]]
	[[ "$output" == *"issued"*"user:ana"*"ubuntu"* ]]
	[ "$(person exc compute connect-log --vm-id 42 --limit 3 --json | jq '.events | length')" -eq 3 ]
	run person exc compute connect-log --vm-id 42 --limit 0
	[ "$status" -eq 255 ]
}
