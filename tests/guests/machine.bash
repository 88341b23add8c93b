# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A booted guest of a Debian release, with its own systemd, journald and sshd, and an operator beside it.
#
# EXC_RELEASE is the release: bullseye, bookworm, trixie or testing. The guest is a throwaway copy of a
# stock Debian; the operator has exc-connectd, the ssh client and the package repositories. A veth pair
# is the network between them, and the guest reaches nothing else. guest.bash has what a guest is asked.
#
# EXC_PACKAGES is where the packages for the release are; without it, they are built if need be.

: "${EXC_RELEASE:?is the Debian release to test, such as bookworm}"
machine_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/guest.bash
. "$machine_here/../e2e/guest.bash"
# shellcheck source=tests/guests/roots.bash
. "$machine_here/roots.bash"
# Where the operator's repositories are, seen from the guest
REPOSITORIES=http://$OPERATOR_ADDRESS:8080
# Seconds that booting, and installing a package, may take on a busy machine
BOOT_SECONDS=60
# Debian's packages that tests need in the guest, in addition
EXTRA_PACKAGES="curl gpg jq openssh-client"

# Run in the guest, as its own root would: nothing of this machine's environment comes along.
guest() {
	nsenter -t "$(machine_pid)" -a -r -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LANG=C.UTF-8 TERM=dumb "$@"
}

# What keeps this machine from booting guests, in words; nothing if it can.
machine_obstacle() {
	local obstacle
	obstacle=$(namespaces_obstacle)
	if [ -n "$obstacle" ]; then
		echo "$obstacle"
	elif ! command -v systemd-nspawn mmdebstrap >/dev/null; then
		echo "this machine has no systemd-nspawn or no mmdebstrap"
	elif ! release_is_at_hand; then
		echo "the mirror has no $EXC_RELEASE"
	fi
}

release_is_at_hand() {
	compgen -G "$EXC_ROOTS/guest-$EXC_RELEASE-*" >/dev/null || release_exists "$EXC_RELEASE"
}

children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }

# The guest's own systemd, seen from here: unshare, boot, systemd-nspawn, systemd. Another after a reboot.
machine_pid() {
	local pid generation
	pid=$(<"$GUEST_DIR/machine.holder")
	for ((generation = 0; generation < 3; generation++)); do
		pid=$(children "$pid")
		pid=${pid%% *}
		[ -n "$pid" ] || return 1
	done
	grep -qs '^systemd$' "/proc/$pid/comm" && echo "$pid"
}

# cgroup_folders NAME: where a control group of that name would be, below ours, in every hierarchy
cgroup_folders() {
	local controllers path fields
	while IFS=: read -r _ controllers path; do
		# mountinfo(5): the fourth field is what is mounted, the fifth where, the last has the controllers
		while read -r -a fields; do
			if [ -n "$controllers" ]; then
				[[ ",${fields[-1]}," == *",$controllers,"* ]] || continue
			else
				[[ " ${fields[*]} " == *" - cgroup2 "* ]] || continue
			fi
			path=${path#"${fields[3]%/}"}
			echo "${fields[4]}${path%/}/$1"
			break
		done < <(grep -- ' - cgroup2\? ' /proc/self/mountinfo)
	done </proc/self/cgroup
}

# Switch the guest on. Its network is there already, and stays when it reboots.
machine_boot() {
	cgroup_folders "exc-${GUEST_DIR##*/}" >"$GUEST_DIR/cgroups"
	xargs mkdir -p <"$GUEST_DIR/cgroups"
	mkdir "$GUEST_DIR/machine"
	unshare --mount --pid --fork --kill-child --mount-proc --propagation private \
		"$machine_here/boot" "$1" "$GUEST_DIR" \
		</dev/null >"$GUEST_DIR/console.log" 2>&1 3>&- 9<"/proc/$(<"$GUEST_DIR/guest.pid")/ns/net" &
	echo $! >"$GUEST_DIR/machine.holder"
	disown
	machine_runs
}

# Wait until the guest has booted, and nothing in it has failed.
machine_runs() {
	local state
	WAIT_SECONDS=$BOOT_SECONDS wait_for machine_has_booted || {
		tail -n 30 "$GUEST_DIR/console.log" >&2
		return 1
	}
	state=$(guest systemctl is-system-running) && return
	echo "the guest is $state:" >&2
	guest systemctl --failed --no-pager >&2
	return 1
}
machine_has_booted() {
	case $(guest systemctl is-system-running 2>/dev/null) in
	running | degraded) ;;
	*) return 1 ;;
	esac
}

machine_reboot() {
	local before
	before=$(machine_pid)
	guest systemctl reboot
	WAIT_SECONDS=$BOOT_SECONDS wait_for machine_is_not "$before"
	machine_runs
	wait_for sshd_answers
	wait_for guest_is_sure
}
machine_is_not() { [ ! -e "/proc/$1" ]; }

# Build the packages for the release, unless EXC_PACKAGES says where they are.
packages_ready() {
	[ -z "${EXC_PACKAGES-}" ] || return 0
	export EXC_PACKAGES=$tree/build/packages/$EXC_RELEASE
	mkdir -p "${EXC_PACKAGES%/*}"
	"$machine_here/build" "$EXC_RELEASE" "$EXC_PACKAGES" >"$EXC_PACKAGES.log" 2>&1 || {
		tail -n 40 "$EXC_PACKAGES.log" >&2
		return 1
	}
}

# machine_prepare [PACKAGES]: everything around a guest that is still to be booted: its network, and an
# operator with a repository of our packages, or of those in the folder PACKAGES. STOCK_ROOT is what to boot.
machine_prepare() {
	packages_ready
	STOCK_ROOT=$(root_ready guest "$EXC_RELEASE") || return
	GUEST_DIR=$(mktemp -d)
	export STOCK_ROOT GUEST_DIR
	chmod 0755 "$GUEST_DIR"
	mkdir "$GUEST_DIR/keys" "$GUEST_DIR/repositories"
	hold operator --net
	hold guest --net
	guest_network
	repositories_serve "${1:-$EXC_PACKAGES}"
}

# machine_start [PACKAGES]: a stock guest, booted and reachable, with an ordinary key for ubuntu
machine_start() {
	machine_prepare "$@"
	machine_boot "$STOCK_ROOT"
	wait_for sshd_answers
	wait_for guest_is_sure
	operator_setup
	connectd_start
	apt_sources | guest sh -c 'cat >/etc/apt/sources.list'
	ordinary_key ubuntu >/dev/null
	forget_events
}

# Switch the guest off, as if its power failed, and forget what it wrote.
machine_off() {
	kill -KILL "$(<"$GUEST_DIR/machine.holder")" 2>/dev/null
	# A control group can be removed when the last of its processes is gone.
	wait_for cgroups_are_gone
	rm -rf --one-file-system "$GUEST_DIR/machine" "$GUEST_DIR/cgroups" "$GUEST_DIR/machine.holder"
}

machine_stop() {
	local name
	[ -n "${GUEST_DIR-}" ] || return 0
	[ ! -s "$GUEST_DIR/machine.holder" ] || machine_off
	for name in guest operator; do
		[ ! -s "$GUEST_DIR/$name.holder" ] || kill -KILL "$(<"$GUEST_DIR/$name.holder")" 2>/dev/null
	done
	[ ! -d "$GUEST_DIR/gnupg" ] || gpgconf --homedir "$GUEST_DIR/gnupg" --kill gpg-agent
	rm -rf --one-file-system "$GUEST_DIR"
	unset GUEST_DIR
}
cgroups_are_gone() {
	local folder
	while read -r folder; do
		[ ! -e "$folder" ] || find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null
		[ ! -e "$folder" ] || return 1
	done <"$GUEST_DIR/cgroups"
}

# Where the guest gets Debian's packages from, in place of Debian's mirror, which it does not reach
apt_sources() { echo "deb [trusted=yes] $REPOSITORIES/debian ./"; }

# repositories_serve PACKAGES: what the guest lacks of Debian's packages and ours needs; and ours
repositories_serve() {
	local pool
	pool=$(pool_ready "$STOCK_ROOT" "$EXC_PACKAGES" $EXTRA_PACKAGES) || return
	ln -s "$pool" "$GUEST_DIR/repositories/debian"
	repository_add "$1"
	operator "$PYTHON" -m http.server --bind "$OPERATOR_ADDRESS" --directory "$GUEST_DIR/repositories" 8080 \
		>"$GUEST_DIR/repositories.log" 2>&1 3>&- </dev/null &
	wait_for repositories_answer
}
repositories_answer() { operator bash -c "exec 3<>/dev/tcp/$OPERATOR_ADDRESS/8080" 2>/dev/null; }

# repository_add PACKAGES: put the packages in a folder into our repository, as an operator would
repository_add() { repository_build "$(. "$STOCK_ROOT/etc/os-release" && echo "$VERSION_CODENAME")=$1"; }

# repository_build WORD...: the words that are for debian/build-repository, about our repository
repository_build() {
	export GNUPGHOME=$GUEST_DIR/gnupg
	if [ ! -d "$GNUPGHOME" ]; then
		mkdir -m 0700 "$GNUPGHOME"
		gpg --batch --quiet --passphrase '' --quick-generate-key packages@example.net ed25519 sign never
	fi
	"$tree/debian/build-repository" --key packages@example.net "$@" "$GUEST_DIR/repositories/instance-connect"
}

# document_block FILE HEADING N: the Nth block of commands below a heading, for our repository
document_block() {
	awk -v heading="## $2" -v wanted="$3" '
		/^## / { here = $0 == heading }
		here && /^ *```/ { inside = !inside; count += inside; next }
		here && inside && count == wanted' "$tree/$1" |
		sed "s|https://packages.example.net|$REPOSITORIES/instance-connect|g"
}

# As a person would who types this and says yes to every question
documented() { yes | guest bash -euc "$(document_block docs/install.md "$@")"; }

# What a bats file's setup_file and setup begin with: one guest for the file, or every test skipped by name.
file_machine_start() {
	! file_machine_allowed || machine_start "$@"
}

# Succeeds unless there is an OBSTACLE.
file_machine_allowed() {
	OBSTACLE=$(machine_obstacle)
	export OBSTACLE
	[ -z "$OBSTACLE" ]
}

file_machine_ready() {
	[ -z "$OBSTACLE" ] || skip "$OBSTACLE"
	forget_events
}

# When it is reloaded, a stock sshd is deaf for some milliseconds, whoever reloads it and why. ssh knocks
# again then; a connection that sshd took has to succeed.
KNOCK_AGAIN="-o ConnectionAttempts=5"

# Log in with an ordinary key, over and over, until ordinary_logins_never_failed.
watch_ordinary_logins() {
	local key
	key=$(ordinary_key ubuntu)
	rm -f "$GUEST_DIR/watch.end"
	while [ ! -e "$GUEST_DIR/watch.end" ]; do
		SSH_OPTIONS=$KNOCK_AGAIN login "$key" ubuntu echo in || echo "out, with status $?, at $(date +%T.%N)"
	done >"$GUEST_DIR/watch" 2>&1 3>&- </dev/null &
	echo $! >"$GUEST_DIR/watch.pid"
}

# Succeeds if it got in each time. Once is enough to say so.
ordinary_logins_never_failed() {
	[ -s "$GUEST_DIR/watch.pid" ] || return 0
	touch "$GUEST_DIR/watch.end"
	wait "$(<"$GUEST_DIR/watch.pid")"
	rm "$GUEST_DIR/watch.pid"
	! grep -vx in "$GUEST_DIR/watch"
}

# Install our package from the repository and purge it, without words about trust or questions
install_package() {
	documented "Install from a repository" 1
}
purge_package() {
	documented "Install from a repository" 2
}

# package_file DIRECTORY [NAME]: the package in a folder, the agent's by default
package_file() { compgen -G "$1/${2:-exc-instance-connect}_*.deb"; }

# previous_version DIRECTORY [NAME]: the package as it is built, but for a lower version, into DIRECTORY
previous_version() {
	local package
	package=$(package_file "$EXC_PACKAGES" "${2-}")
	mkdir "$1"
	dpkg-deb -R "$package" "$1/unpacked"
	sed -i 's/^Version: .*/&~previous/' "$1/unpacked/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$1/unpacked" "$1" >/dev/null
	rm -r "$1/unpacked"
}

# open_session KEY USER: a session that stays open; in_session COMMAND... runs there and says what it said
open_session() {
	mkfifo "$GUEST_DIR/session.in"
	# shellcheck disable=SC2046 # a list of options
	operator ssh $(ssh_options) -i "$1" "$2@$GUEST_ADDRESS" sh \
		<"$GUEST_DIR/session.in" >>"$GUEST_DIR/session.out" 2>&1 3>&- &
	exec {SESSION}>"$GUEST_DIR/session.in"
}
in_session() {
	: >"$GUEST_DIR/session.out"
	echo "$*; echo end of it" >&"$SESSION"
	wait_for grep -qx "end of it" "$GUEST_DIR/session.out"
	grep -vx "end of it" "$GUEST_DIR/session.out"
}
close_session() { exec {SESSION}>&-; }
