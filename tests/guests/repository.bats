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

# what_operator_has FILE: a file of the operator's package in the repository, from its only version there
what_operator_has() {
	dpkg-deb --fsys-tarfile repository/pool/main/e/exc-instance-connect-operator/*.deb |
		tar -xO "./etc/exc-instance-connect/$1"
}
make_operator() {
	openssl genpkey -algorithm ed25519 -out "$1-key.pem"
	openssl pkey -in "$1-key.pem" -pubout -out "$1.pem"
}

@test "stable stands for the newest release by its number, and its key is there for gpg --dearmor" {
	make_key one@example.net
	mkdir newer
	dpkg-deb -R "$(package_file "$EXC_PACKAGES")" unpacked
	sed -i 's/^\(Version: [^~]*\).*/\1~deb99/' unpacked/DEBIAN/control
	dpkg-deb --root-owner-group -b unpacked newer >/dev/null
	build_repository --key one@example.net trixie="$EXC_PACKAGES" repository
	[ "$(sed -n 's/^Codename: //p' repository/dists/stable/Release)" = trixie ]
	# Neither the order of the alphabet nor that of the commands counts.
	build_repository --key one@example.net aardvark=newer repository
	[ "$(sed -n 's/^Codename: //p' repository/dists/stable/Release)" = aardvark ]
	build_repository --key one@example.net zebra="$EXC_PACKAGES" repository
	[ "$(sed -n 's/^Codename: //p' repository/dists/stable/Release)" = aardvark ]
	run grep -L '^Suite: stable$' repository/dists/*/Release
	[ "$output" = "repository/dists/trixie/Release
repository/dists/zebra/Release" ]
	gpg --dearmor <repository/RepoKey.gpg >RepoKey
	gpgv --keyring "$PWD/RepoKey" repository/dists/stable/InRelease
	run build_repository --key one@example.net stable=newer repository
	[ "$status" -eq 1 ]
	[[ "$output" == *"give its codename" ]]
}

@test "the operator's package has every key and setting that is given, for each release, also for one that comes later" {
	make_key one@example.net
	make_operator old
	make_operator new
	openssl req -x509 -key old-key.pem -subj /CN=authority -days 2 -out authority.pem
	build_repository --key one@example.net --operator old.pem --operator new.pem --operator authority.pem \
		--metadata-url http://10.0.0.1 --signer-name grants.example.net bookworm="$EXC_PACKAGES" repository
	what_operator_has trust.d/exc-instance-connect-operator.pem | diff - <(cat old.pem new.pem authority.pem)
	[ "$(what_operator_has operator.conf | grep -v '^#')" = "metadata_url = http://10.0.0.1
signer_name = grants.example.net" ]
	dpkg-deb -f "$(package_file "$EXC_PACKAGES")" Recommends | grep -qx exc-instance-connect-operator
	build_repository --key one@example.net trixie="$BATS_FILE_TMPDIR/previous" repository
	for release in bookworm trixie; do
		zcat "repository/dists/$release/main/binary-amd64/Packages.gz" | grep -qx 'Package: exc-instance-connect-operator'
	done
	before=$(find repository -type f -exec sha256sum {} + | sort)
	# What guests have is not forgotten by mistake, and a version that apt would not upgrade to is none.
	run build_repository --key one@example.net --operator new.pem repository
	[ "$status" -eq 1 ]
	[[ "$output" == *"guests have metadata_url = http://10.0.0.1; give --metadata-url"* ]]
	run build_repository --key one@example.net --operator new.pem --metadata-url http://10.0.0.1 --operator-version 1 repository
	[ "$status" -eq 1 ]
	[[ "$output" == *"--operator-version must be higher than that"* ]]
	[ "$(find repository -type f -exec sha256sum {} + | sort)" = "$before" ]
}

@test "a private key, and what no grant could be verified with, is refused before anything is written" {
	make_operator old
	cat old.pem old-key.pem >both.pem
	openssl pkey -in old-key.pem -outform DER -out der.pem
	echo rubbish >rubbish.pem
	: >empty.pem
	head -n 1 old.pem >half.pem
	openssl genrsa -out short-key 1024 2>/dev/null
	openssl pkey -in short-key -pubout -out short.pem
	openssl req -x509 -key old-key.pem -subj /CN=leaf -days 2 -addext basicConstraints=critical,CA:FALSE -out leaf.pem
	for builder in "debian/build-repository trixie=$EXC_PACKAGES" "rpm/build-repository"; do
		for words in "old-key.pem|private key" "both.pem|private key" "der.pem|no public key" \
			"rubbish.pem|no public key" "empty.pem|no public key" "half.pem|cannot be verified with" \
			"short.pem|cannot be verified with" "leaf.pem|not a CA's" "missing.pem|no file missing.pem" \
			"old.pem --metadata-url ftp://10.0.0.1|not an address" "old.pem --signer-name UPPER|not a DNS name" \
			"old.pem --operator-version new|not a version"; do
			# shellcheck disable=SC2086 # words
			run "$tree/${builder%% *}" --operator old.pem --operator ${words%|*} ${builder#"${builder%% *}"} repository
			echo "$words: $output"
			[ "$status" -eq 1 ]
			[[ "$output" == "build-repository: "*"${words#*|}"* ]]
			[ ! -e repository ]
		done
	done
	run build_repository --metadata-url http://10.0.0.1 trixie="$EXC_PACKAGES" repository
	[ "$status" -eq 1 ]
	[ "$output" = "build-repository: --metadata-url needs --operator" ]
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
