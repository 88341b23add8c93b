# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Root file systems of Debian releases, made once and kept outside the tree, and throwaway copies of
# them.
#
# EXC_ROOTS is where they are kept. A root is named after what it is for, its release and a hash of
# how it is made. Nothing writes to it afterwards: who has to write takes a copy that vanishes.

EXC_ROOTS=${EXC_ROOTS:-/var/cache/exc-instance-connect-roots}
guests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$guests/../.." && pwd)

# What a person who runs a cloud has on every VM, and nothing that our package needs.
STOCK_PACKAGES=openssh-server,systemd-sysv,libpam-systemd,dbus,sudo,wget,ca-certificates

# Times that a package is downloaded again when the mirror has hiccups
RETRIES=3

# This machine's own mirror, and nothing but the release itself: what a mirror has of an old release's
# updates comes and goes.
mirror() {
	# shellcheck disable=SC2016 # apt-get's own
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1
}

release_exists() { curl -sfIL -o /dev/null --max-time 30 "$(mirror)dists/$1/Release"; }

# How a root is made: the words for mmdebstrap. A mirror that stands still is good enough for tests.
root_options() {
	echo "--aptopt=Acquire::Check-Valid-Until \"false\""
	echo "--aptopt=Acquire::Retries \"$RETRIES\""
	echo "--dpkgopt=force-unsafe-io"
	if [ "$1" = build ]; then
		echo "--variant=apt"
		echo "--include=$("$tree/tests/install-dependencies" --list build packaging | paste -sd,)"
	else
		echo "--variant=important"
		echo "--include=$STOCK_PACKAGES"
		echo "--customize-hook=$guests/stock"
	fi
}

# root_prune ROOT: remove what is made for the same purpose in another way, if nobody uses it
root_prune() {
	local lock
	for lock in "${1%-*}"-*.lock; do
		[ "$lock" != "$1.lock" ] || continue
		(flock -n 8 && rm -rf --one-file-system "${lock%.lock}" "${lock%.lock}.making") 8>>"$lock" || true
	done
}

# root_ready build|guest RELEASE: print where the root is; make it if it is not there yet
root_ready() {
	local kind=$1 release=$2 options root
	mapfile -t options < <(root_options "$kind")
	root=$EXC_ROOTS/$kind-$release-$({
		printf '%s\n' "${options[@]##*/}"
		[ "$kind" = build ] || cat "$guests/stock"
	} | sha256sum | cut -c1-12)
	mkdir -p "$EXC_ROOTS"
	(
		flock 8
		[ ! -d "$root" ] || exit 0
		root_prune "$root"
		trap 'rm -rf --one-file-system "$root.making"' EXIT
		# It hands files with small numbers to a shell that knows no number above 9.
		mmdebstrap --quiet "${options[@]}" "$release" "$root.making" "$(mirror)" \
			>&2 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &&
			mv "$root.making" "$root"
	) 8>>"$root.lock" || return
	echo "$root"
}

# throwaway_mount ROOT DIRECTORY: mount a copy of ROOT at DIRECTORY/root. What is written goes to memory.
# For a mount namespace of its own.
throwaway_mount() {
	mount -t tmpfs -o mode=0755 tmpfs "$2"
	mkdir "$2/upper" "$2/work" "$2/root"
	mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
}

# throwaway_run ROOT DIRECTORY SCRIPT: run a shell script in a copy of ROOT that sees DIRECTORY as /shared
throwaway_run() {
	(
		flock -s 8
		unshare --mount --pid --fork --kill-child --propagation private bash -euc '
			. "$1/roots.bash"
			mkdir "$3/.copy"
			throwaway_mount "$2" "$3/.copy"
			root=$3/.copy/root
			mount -t proc proc "$root/proc"
			mount -t tmpfs tmpfs "$root/tmp"
			mkdir "$root/shared"
			mount --bind "$3" "$root/shared"
			cp /etc/resolv.conf "$root/etc/resolv.conf"
			exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
				LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" /bin/bash -euc "$4"
		' bash "$guests" "$1" "$2" "$3"
	) 8<"$1.lock"
	local status=$?
	rmdir "$2/.copy"
	return "$status"
}

# pool_ready GUEST-ROOT PACKAGES WORD...: print where a folder is with all that a stock guest lacks to
# install the packages in the folder PACKAGES, and Debian's packages WORD, as an apt repository
pool_ready() {
	local root=$1 packages=$2 needs pool work
	shift 2
	needs=$(for package in "$packages"/*.deb; do dpkg-deb -f "$package" Package Depends Pre-Depends Recommends; done)
	pool=$EXC_ROOTS/pool-${root##*/guest-}-$(echo "$needs $*" | sha256sum | cut -c1-12)
	(
		flock 8
		[ ! -d "$pool" ] || exit 0
		root_prune "$pool"
		work=$(mktemp -d)
		trap 'rm -rf "$work"' EXIT
		cp "$packages"/*.deb "$work/"
		rm -f "$work"/*-dbgsym_*
		throwaway_run "$root" "$work" "
			apt-get -q -o Acquire::Check-Valid-Until=false update
			apt-get -q -y -o Acquire::Retries=$RETRIES --download-only install /shared/*.deb $*
			mkdir /shared/pool
			mv /var/cache/apt/archives/*.deb /shared/pool/" >&2 || exit
		(cd "$work/pool" && dpkg-scanpackages --multiversion . >Packages 2>/dev/null)
		mv "$work/pool" "$pool"
	) 8>>"$pool.lock" || return
	echo "$pool"
}
