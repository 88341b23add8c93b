#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# One signed repository for several releases, and what its builder says when it cannot build it. (That a
# guest installs from one is in install.bats.)

load machine

setup_file() {
	file_machine_allowed || return 0
	packages_ready
	previous_version "$BATS_FILE_TMPDIR/previous"
}

setup() {
	[ -z "$OBSTACLE" ] || skip "$OBSTACLE"
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	[ ! -d "$BATS_TEST_TMPDIR/gnupg" ] || gpgconf --homedir "$BATS_TEST_TMPDIR/gnupg" --kill gpg-agent
}

build_repository() { "$tree/debian/build-repository" "$@"; }
# version_in RELEASE: the version of the agent's package that the repository has for it
version_in() { zcat "repository/dists/$1/main/binary-amd64/Packages.gz" | awk '/^Package: / { package = $2 } /^Version: / && package == "exc-instance-connect" { print $2 }'; }
make_key() {
	export GNUPGHOME=$BATS_TEST_TMPDIR/gnupg
	[ -d "$GNUPGHOME" ] || mkdir -m 0700 "$GNUPGHOME"
	gpg --batch --quiet --passphrase '' --quick-generate-key "$1" ed25519 sign never
}

@test "a repository has the packages of each release, signed by the key that is beside them" {
	build_repository bookworm="$EXC_PACKAGES" trixie="$BATS_FILE_TMPDIR/previous" repository
	version=$(dpkg-deb -f "$(package_file "$EXC_PACKAGES")" Version)
	[ "$(version_in bookworm)" = "$version" ]
	[ "$(version_in trixie)" = "$version~previous" ]
	for release in bookworm trixie; do
		gpgv --keyring "$PWD/repository/instance-connect.gpg" "repository/dists/$release/InRelease"
	done
	# The key was made for it, and its private half is nowhere.
	[ -z "$(grep -rl 'PRIVATE KEY' repository)" ]
}

@test "a key that is named adds newer packages to a repository, and another key does not" {
	make_key one@example.net
	build_repository --key one@example.net bookworm="$BATS_FILE_TMPDIR/previous" repository
	build_repository --key one@example.net bookworm="$EXC_PACKAGES" repository
	[ "$(version_in bookworm)" = "$(dpkg-deb -f "$(package_file "$EXC_PACKAGES")" Version)" ]
	make_key two@example.net
	run build_repository --key two@example.net trixie="$BATS_FILE_TMPDIR/previous" repository
	[ "$status" -eq 1 ]
	[[ "$output" == *"signed with another key"* ]]
	run build_repository bookworm="$EXC_PACKAGES" repository
	[ "$status" -eq 1 ]
	[[ "$output" == *"is not empty; to add to it, name the key that signs it: --key KEY"* ]]
	gpgv --keyring "$PWD/repository/instance-connect.gpg" repository/dists/bookworm/InRelease
}

@test "it says what is wrong before it writes anything" {
	mkdir empty
	for words in "bookworm=missing|there is no folder missing" "bookworm=empty|there is no package in empty" \
		"empty|not RELEASE=PACKAGES: empty" "--key nobody@example.net bookworm=$EXC_PACKAGES|GnuPG has no private key for: nobody@example.net"; do
		export GNUPGHOME=$BATS_TEST_TMPDIR/gnupg
		mkdir -p -m 0700 "$GNUPGHOME"
		# shellcheck disable=SC2086 # words
		run build_repository ${words%%|*} repository
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == "build-repository: ${words##*|}" ]]
		[ ! -e repository ]
	done
	run build_repository repository
	[ "$status" -eq 2 ]
	[[ "$output" == Usage:* ]]
}
