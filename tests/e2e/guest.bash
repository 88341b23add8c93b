# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A throwaway guest in namespaces, and an operator beside it, for the end-to-end tests and the demo.
#
# The guest has a real sshd, PAM and journald, over overlays of this machine's /etc, /usr, /var, /home
# and /root. The operator has exc-connectd and the ssh client. A veth pair is the network between
# them. Everything is gone when guest_stop ends the two holders.
#
# EXC_BUILD is the build directory; GUEST_DIR, set by guest_start, is where files are.

: "${EXC_BUILD:?is the build directory to test, such as $PWD/build/check}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
GUEST_ADDRESS=10.97.0.2
OPERATOR_ADDRESS=10.97.0.1
METADATA_ADDRESS=169.254.169.254
# The Python that Debian's modules are installed for, whatever else is in PATH
PYTHON=/usr/bin/python3
# Seconds that anything is waited for
WAIT_SECONDS=20
# Seconds that a login may take while the agent waits for what does not answer: its timeout_ms for each question, and
# what ssh itself takes on a busy machine. Without a timeout it would be minutes.
# shellcheck disable=SC2034 # bats files have it
LOGIN_SECONDS=10
# Seconds after a boot, and after the ledger was made, in which a key may be refused, for it could have been issued
# before
UNSURE_SECONDS=4
LEDGER=/run/exc-instance-connect

# What keeps this machine from having guests, in words; nothing if it can. It is tried: a guest is namespaces with
# overlays, and nsenter has to find what is below our root in them, which is not the machine's where we are in a
# chroot.
namespaces_obstacle() {
	local said
	if [ "$(id -u)" -ne 0 ]; then
		echo "only root can make namespaces"
	elif ! said=$(unshare --mount --net --pid --fork --mount-proc --propagation private \
		sh -euc 'mount -t tmpfs tmpfs /mnt
			mkdir /mnt/u /mnt/w /mnt/m
			mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w /mnt/m
			nsenter -t $$ -m -r -- test -d /mnt/m || { echo "nsenter does not find our root" >&2; exit 1; }' 2>&1); then
		echo "this machine permits no namespaces: ${said##*$'\n'}"
	fi
}
namespaces_allowed() { [ -z "$(namespaces_obstacle)" ]; }

# wait_for COMMAND...: until it succeeds, for what gives no event; fails after WAIT_SECONDS
wait_for() {
	local deadline=$((SECONDS + WAIT_SECONDS))
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || { echo "waited in vain for: $*" >&2; return 1; }
		sleep 0.05
	done
}

# Run in the guest, in the operator's network. (-r is for a chroot: a mount namespace alone leads out of it.)
guest() { nsenter -t "$(<"$GUEST_DIR/guest.pid")" -m -r -n -p -- "$@"; }
operator() { nsenter -t "$(<"$GUEST_DIR/operator.pid")" -n -p -- "$@"; }

# The same, with a /proc that fits its process ids
operator_proc() { operator unshare --mount --mount-proc --propagation private "$@"; }

# of_operator pgrep|pkill ARGUMENT...: among the processes in this guest's operator's network, for others' tests run
# the same programs at the same time
of_operator() { "$1" --ns "$(<"$GUEST_DIR/operator.pid")" --nslist net "${@:2}"; }

# hold NAME UNSHARE-OPTION...: a process that keeps namespaces open; its child's pid is NAME.pid
hold() {
	local name=$1 child
	shift
	# Like an init, it leaves no zombie of sshd's orphans: who ignores SIGCHLD has its children reaped.
	unshare --fork --kill-child --pid "$@" env --ignore-signal=CHLD sleep infinity </dev/null >/dev/null 2>&1 3>&- &
	echo $! >"$GUEST_DIR/$name.holder"
	disown # so that bash has no word about its end
	for ((child = 0; child < 400; child++)); do
		[ -z "$(cat "/proc/$!/task/$!/children" 2>/dev/null)" ] || break
		sleep 0.01
	done
	tr -d ' ' <"/proc/$!/task/$!/children" >"$GUEST_DIR/$name.pid"
	# The child is born in its namespaces, but only in them once it has become sleep.
	wait_for grep -q '^sleep' "/proc/$(<"$GUEST_DIR/$name.pid")/comm"
}

# Overlays, devices and a /tmp of its own, inside the guest's mount namespace. Of what the guest shares with the
# tests, GUEST_DIR, the sources, the build and what bats keeps, those in /tmp are in the guest's too.
guest_mounts() {
	guest bash -euc '
		mount -t tmpfs tmpfs "$1/layers"
		for folder in etc usr var home root; do
			mkdir -p "$1/layers/$folder/upper" "$1/layers/$folder/work"
			mount -t overlay overlay \
				-o "lowerdir=/$folder,upperdir=$1/layers/$folder/upper,workdir=$1/layers/$folder/work" \
				"/$folder"
		done
		mount -t tmpfs -o mode=0755 tmpfs /run
		dev=$1/layers/dev
		mkdir "$dev"
		mount -t tmpfs -o mode=0755 tmpfs "$dev"
		for node in null zero full random urandom tty; do
			touch "$dev/$node"
			mount --bind "/dev/$node" "$dev/$node"
		done
		mkdir "$dev/pts" "$dev/shm"
		mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$dev/pts"
		ln -s pts/ptmx "$dev/ptmx"
		ln -s /proc/self/fd "$dev/fd"
		ln -s /proc/self/fd/0 "$dev/stdin"
		ln -s /run/systemd/journal/dev-log "$dev/log"
		mount --rbind "$dev" /dev
		tmp=$1/layers/tmp
		mkdir "$tmp"
		mount -t tmpfs -o mode=1777 tmpfs "$tmp"
		for shared; do
			[[ "$shared" == /tmp/* ]] || continue
			mkdir -p "$tmp/${shared#/tmp/}"
			mount --bind "$shared" "$tmp/${shared#/tmp/}"
		done
		mount --rbind "$tmp" /tmp
	' bash "$GUEST_DIR" "$(dirname "$(dirname "$here")")" "$EXC_BUILD" ${BATS_RUN_TMPDIR:+"$BATS_RUN_TMPDIR"}
}

guest_network() {
	local guest_pid operator_pid
	guest_pid=$(<"$GUEST_DIR/guest.pid") operator_pid=$(<"$GUEST_DIR/operator.pid")
	nsenter -t "$operator_pid" -n ip link add guest type veth peer name eth0 netns "$guest_pid"
	nsenter -t "$operator_pid" -n sh -euc '
		ip link set lo up
		ip addr add "$1/24" dev guest
		ip addr add "$2/32" dev lo
		ip link set guest up' sh "$OPERATOR_ADDRESS" "$METADATA_ADDRESS"
	nsenter -t "$guest_pid" -n sh -euc '
		ip link set lo up
		ip addr add "$1/24" dev eth0
		ip link set eth0 up
		ip route add default via "$2"' sh "$GUEST_ADDRESS" "$OPERATOR_ADDRESS"
}

# What is installed comes from the build, once for each build, by whichever test comes first.
stage_build() {
	local stage=$EXC_BUILD/stage done=$EXC_BUILD/stage.done
	(
		flock 9
		[ -e "$done" ] && [ -z "$(find "$EXC_BUILD/src" -type f -perm -u+x -newer "$done" -print -quit)" ] && exit
		rm -rf "$stage"
		make -C "$EXC_BUILD" install DESTDIR="$stage" >"$GUEST_DIR/install.log" 2>&1 || {
			cat "$GUEST_DIR/install.log" >&2
			exit 1
		}
		touch "$done"
	) 9>"$EXC_BUILD/stage.lock"
}

# Have the stock sshd read its configuration again, and wait until it has: it writes its PidFile then.
sshd_reload() {
	guest sh -c 'rm -f /run/sshd.pid.before; cp -p /run/sshd.pid /run/sshd.pid.before; kill -HUP "$(cat /run/sshd.pid)"'
	wait_for guest test /run/sshd.pid -nt /run/sshd.pid.before
	wait_for sshd_answers
}

# sshd_setting LINE [NAME]: a drop-in of sshd's that a test takes away as *-other.conf, and that sshd has not read
sshd_setting() { guest sh -c "printf '$1\n' >/etc/ssh/sshd_config.d/${2:-20}-other.conf"; }
# The same, read by sshd: another AuthorizedKeysCommand
other_command() {
	sshd_setting 'AuthorizedKeysCommand /bin/true %%u\nAuthorizedKeysCommandUser nobody' "${1:-10}"
	sshd_reload
}
# And a mistake, which sshd would not survive reading
sshd_mistake() { sshd_setting 'NoSuchKeyword yes'; }
sshd_command() { guest /usr/sbin/sshd -T | grep '^authorizedkeyscommand '; }

connectd() { "$EXC_BUILD/src/connectd/exc-connectd" --config "$GUEST_DIR/connectd.conf" "$@"; }

# The operator's side: a database, an instance, a token for every instance.
connectd_setup() {
	cat >"$GUEST_DIR/connectd.conf" <<END
database = $GUEST_DIR/connectd.db
signing_key = $GUEST_DIR/signing-key.pem
compute_listen = 127.0.0.1:8443
metadata_listen = $METADATA_ADDRESS:80
key_lifetime = ${KEY_LIFETIME:-60}
principal_rate = ${PRINCIPAL_RATE:-0}
instance_rate = ${INSTANCE_RATE:-0}
END
	connectd init >"$GUEST_DIR/operator.pem"
	connectd instance add 42 --address "$1" --host "$2" --port "$3" --host-key "$4"
	(umask 077 && printf 'Authorization: Bearer %s\n' \
		"$(connectd token add user:ana --instance '*')" >"$GUEST_DIR/token")
}

# Who may sign grants, and which instance this is. Keys are asked for from here on, and a package that was just
# installed has just made the ledger.
guest_trust() {
	guest install -m 0644 /dev/stdin /etc/exc-instance-connect/trust.d/operator.pem <"$GUEST_DIR/operator.pem"
	agent_conf
	wait_for ledger_is_sure
}

connectd_pid() { pgrep -f "^$EXC_BUILD/src/connectd/exc-connectd --config $GUEST_DIR/connectd.conf\$"; }
connectd_is_gone() { ! connectd_pid >/dev/null; }

connectd_start() {
	: >"$GUEST_DIR/connectd.out"
	operator "$EXC_BUILD/src/connectd/exc-connectd" --config "$GUEST_DIR/connectd.conf" \
		>"$GUEST_DIR/connectd.out" 2>>"$GUEST_DIR/connectd.log" 3>&- </dev/null &
	wait_for grep -q '^exc-connectd: compute' "$GUEST_DIR/connectd.out"
}

# connectd_stop [SIGNAL]
# shellcheck disable=SC2120 # killed.bats has one
connectd_stop() {
	local pid
	pid=$(connectd_pid) && kill "-${1:-TERM}" "$pid"
	wait_for connectd_is_gone
}

sshd_answers() { operator bash -c "exec 3<>/dev/tcp/$GUEST_ADDRESS/22" 2>/dev/null; }

# Has the guest run long enough to tell keys from before its boot, and from before its ledger if it has one?
# proc(5): field 22 is in hundredths.
guest_is_sure() {
	guest awk -v least="$UNSURE_SECONDS" 'NR == 1 { start = $22 / 100 } NR == 2 { exit $1 - start < least }' \
		/proc/1/stat /proc/uptime && ledger_is_sure
}
# By the agent's stamp, in seconds since the kernel started, or by that of tmpfiles before the agent's first run
ledger_is_sure() {
	# shellcheck disable=SC2016 # for the shell over there
	guest sh -c 'for marks in "$0/used" "$0/bound"; do
			if [ -e "$marks/made" ]; then
				[ $(($(cut -d. -f1 /proc/uptime) - $(stat -c %Y "$marks/made"))) -ge "$1" ] || exit
			elif [ -e "$marks/created" ]; then
				[ $(($(date +%s) - $(stat -c %Y "$marks/created"))) -ge "$1" ] || exit
			fi
		done' "$LEDGER" "$UNSURE_SECONDS"
}

# ledger_of_an_hour: what is mounted over the ledger's directory becomes one that tmpfiles made an hour ago
ledger_of_an_hour() {
	guest chown exc-instance-connect: "$LEDGER"
	guest systemd-tmpfiles --create exc-instance-connect.conf
	guest touch -d '1 hour ago' "$LEDGER/used/created" "$LEDGER/bound/created"
}

# What the operator knows of the guest
operator_setup() {
	local host_key
	host_key=$(guest cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)
	echo "$GUEST_ADDRESS $host_key" >"$GUEST_DIR/known_hosts"
	connectd_setup "$GUEST_ADDRESS" "$GUEST_ADDRESS" 22 "$host_key"
}

# guest_start [stock|bare]: wired as docs/wire-by-hand.md says; sshd as the distribution has it; nothing of ours
guest_start() {
	GUEST_DIR=$(mktemp -d)
	export GUEST_DIR
	chmod 0755 "$GUEST_DIR" # the guest's users pass through
	mkdir "$GUEST_DIR/layers" "$GUEST_DIR/keys"
	install -m 0755 /bin/bash "$GUEST_DIR/sshd" # for as_sshd
	stage_build
	hold operator --net
	hold guest --mount --net --mount-proc --propagation private
	guest_network
	guest_mounts
	guest "$here/guest-setup" "$EXC_BUILD/stage" "$GUEST_DIR" 42 22 "${1-wired}" \
		>"$GUEST_DIR/setup.log" 2>&1 3>&- </dev/null || { cat "$GUEST_DIR/setup.log" >&2; return 1; }
	operator_setup
	[ "${1-}" = bare ] || guest_trust
	connectd_start
	wait_for sshd_answers
	wait_for guest_is_sure
}

guest_stop() {
	local name
	for name in guest operator; do
		[ ! -s "$GUEST_DIR/$name.holder" ] || kill -KILL "$(<"$GUEST_DIR/$name.holder")" 2>/dev/null
	done
	rm -rf "$GUEST_DIR"
}

# ask USER [JSON MEMBERS]: ask for a one-time key and print the name of the file it is in
ask() {
	local file
	file=$(mktemp "$GUEST_DIR/keys/XXXXXX")
	operator curl -s --max-time 10 -H "@$GUEST_DIR/token" -o "$file.answer" \
		-d "{\"vm_id\":42,\"user\":\"$1\"${2:+,$2}}" "http://127.0.0.1:8443/compute/instance/connect" &&
		jq -er .private_key "$file.answer" >"$file" && echo "$file"
}

# What every ssh and scp of the tests is given: nothing of this machine's own, no questions, and the
# key exchange that takes the least of two cores.
ssh_options() {
	echo "-F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityAgent=none" \
		"-o StrictHostKeyChecking=yes -o UserKnownHostsFile=$GUEST_DIR/known_hosts" \
		"-o KexAlgorithms=curve25519-sha256 -o GSSAPIAuthentication=no -o ConnectTimeout=60" \
		"-o LogLevel=ERROR"
}

# login KEY USER [COMMAND...]: one real ssh; SSH_OPTIONS has more options
login() {
	local key=$1 user=$2
	shift 2
	# shellcheck disable=SC2046,SC2086 # lists of options
	operator ssh $(ssh_options) ${SSH_OPTIONS-} -n -i "$key" "$user@$GUEST_ADDRESS" "$@"
}

# logs_in_once: a fresh one-time key logs ubuntu in, and not again
logs_in_once() {
	local key
	key=$(ask ubuntu)
	login "$key" ubuntu true
	run login "$key" ubuntu true
	# shellcheck disable=SC2154 # it is of bats' run
	[ "$status" -eq 255 ]
}

# The events of that, and no others
logged_in_once() { [ "$(events EVENT)" = $'offered\nused\nreplayed' ]; }

# A key of a person's own, in authorized_keys: the way in that must never close.
ordinary_key() {
	local user=$1 key=$GUEST_DIR/keys/ordinary-$1
	if [ ! -e "$key" ]; then
		ssh-keygen -q -t ed25519 -N '' -C ordinary -f "$key"
		guest install -d -m 0700 -o "$user" -g "$user" "/home/$user/.ssh"
		guest install -m 0600 -o "$user" -g "$user" /dev/stdin "/home/$user/.ssh/authorized_keys" <"$key.pub"
	fi
	echo "$key"
}

# Everything in the guest's /etc, but the copies that passwd's tools keep and the linker's cache
guest_etc() {
	guest find /etc -type f ! -name '*-' ! -name 'ld.so.cache' -exec sha256sum {} + | sort -k2
	guest find /etc -printf '%p %M %u %g\n' | grep -v -e '-$' | grep -v -e '-  *[^ ]* [^ ]* [^ ]*$' | sort
}

# journal MATCH...: the guest's entries since forget_events, one JSON object a line. (--after-cursor
# together with a match passes over the first entry that matches.)
journal() {
	guest journalctl --sync
	guest journalctl --no-pager -q -o json "$@" |
		jq -c "select((.__MONOTONIC_TIMESTAMP | tonumber) > $(<"$GUEST_DIR/forgotten"))"
}

# events [FIELD...]: one line for each entry of ours, fields joined by spaces
events() {
	local fields=("$@") filter=
	[ ${#fields[@]} -gt 0 ] || fields=(EVENT USER REASON)
	for field in "${fields[@]}"; do
		filter+="${filter:+,}(.EXC_$field // \"-\")"
	done
	journal SYSLOG_IDENTIFIER=exc-instance-connect | jq -r "[$filter] | join(\" \")"
}

# Forget the events so far, and what the agent remembers of the last failure.
forget_events() {
	guest journalctl --sync
	guest journalctl --no-pager -q -n 1 -o json | jq -r .__MONOTONIC_TIMESTAMP >"$GUEST_DIR/forgotten"
	guest sh -c 'rm -f /run/exc-instance-connect/said.* /run/exc-instance-connect/endpoint.*'
}

# How often the metadata endpoint was connected to: PassiveOpens of the operator's network. (/proc is the
# network's own.)
connections() { operator sh -c 'cat /proc/self/net/snmp' | awk '/^Tcp: [0-9]/ { print $7 }'; }

# sshd_asks PATH: have sshd run the script on standard input, as PATH, in place of the agent
sshd_asks() {
	guest install -m 0755 /dev/stdin "$1"
	guest sed -i "s|/usr/bin/exc-instance-connect authorized-keys|$1 authorized-keys|" "$GUEST_DIR/sshd_config"
	guest sh -c "kill -HUP \$(cat $GUEST_DIR/sshd.pid)"
	wait_for sshd_answers
}

# endpoint_start MODE [FILE]: an endpoint that misbehaves, in place of exc-connectd
endpoint_start() {
	: >"$GUEST_DIR/endpoint.out"
	connectd_stop
	operator "$PYTHON" "$here/bad_endpoint.py" "$1" "$METADATA_ADDRESS" 80 "${2-}" \
		>"$GUEST_DIR/endpoint.out" 2>&1 3>&- </dev/null &
	wait_for grep -q ready "$GUEST_DIR/endpoint.out"
}

endpoint_stop() {
	of_operator pkill -f "^$PYTHON $here/bad_endpoint.py .* $METADATA_ADDRESS 80" || true
	connectd_start
}

# Root proves again that PAM's stack runs the module, after it was edited.
prove_pam() { guest exc-instance-connect sshd status >/dev/null || true; }

# as_agent COMMAND...: run it as the agent's user
as_agent() { guest setpriv --reuid exc-instance-connect --regid exc-instance-connect --clear-groups "$@"; }

# as_sshd COMMAND...: run it as the agent's user, below a process of root's that is called sshd and has loaded the
# module while it read its PAM service, as the sshd of a connection has
as_sshd() {
	# shellcheck disable=SC2016 # for the shells over there
	guest sh -c 'exec env LD_PRELOAD="$(find /usr/lib -name pam_exc_instance_connect.so)" "$@" 9</etc/pam.d/sshd' \
		sh "$GUEST_DIR/sshd" -c '
		unset LD_PRELOAD
		exec 9<&-
		setpriv --reuid exc-instance-connect --regid exc-instance-connect --clear-groups "$@"
		exit' sshd "$@"
}

# agent USER FINGERPRINT…: the agent as sshd runs it
agent() { as_sshd /usr/bin/exc-instance-connect "$@"; }

# agent_conf LINE...: the configuration, in addition to what every test needs; TIMEOUT_MS is another timeout_ms
# shellcheck disable=SC2120 # the tests have lines
agent_conf() {
	{
		printf 'instance_id = 42\ntimeout_ms = %s\n' "${TIMEOUT_MS:-1000}"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$GUEST_DIR/agent.conf"
	guest install -m 0644 /dev/stdin /etc/exc-instance-connect/agent.conf <"$GUEST_DIR/agent.conf"
}

# What a bats file's setup_file, setup and teardown_file begin with: one guest for the file, in the state
# that every test starts from, or every test skipped by name. (skip does nothing good in setup_file.)
file_guest_start() {
	OBSTACLE=$(namespaces_obstacle)
	export OBSTACLE
	[ -z "$OBSTACLE" ] || return 0
	guest_start "$@"
}

file_guest_or_skip() { [ -z "$OBSTACLE" ] || skip "$OBSTACLE"; }

file_guest_ready() {
	file_guest_or_skip
	agent_conf
	forget_events
}

file_guest_stop() {
	[ -z "${GUEST_DIR-}" ] || guest_stop
}

# The same for a test that makes its namespaces itself
namespaces_or_skip() {
	OBSTACLE=$(namespaces_obstacle)
	file_guest_or_skip
}
