#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The rpm packages, built by Debian's rpmbuild: what is in them, and what their scriptlets do to a guest whose
# userland is Debian's, but for the folders that Fedora has elsewhere.

load file_guest

setup_file() {
	PACKAGES=$BATS_FILE_TMPDIR/packages NEWER=$BATS_FILE_TMPDIR/newer
	# Debian's rpm has its database in the home of whoever runs it.
	HOME=$BATS_FILE_TMPDIR
	export PACKAGES NEWER HOME
	# The same as for RHEL 8, which counts as a later release than one without a distribution.
	"$BATS_TEST_DIRNAME/../build-rpms" "$NEWER" --define 'rhel 8' --define 'dist .el8' \
		>"$BATS_FILE_TMPDIR/newer.log" 2>&1 3>&- &
	newer=$!
	"$BATS_TEST_DIRNAME/../build-rpms" "$PACKAGES" >"$BATS_FILE_TMPDIR/build.log" 2>&1 3>&- &&
		wait "$newer" || {
		tail -n 40 "$BATS_FILE_TMPDIR"/*.log
		return 1
	}
	PACKAGE=$(echo "$PACKAGES"/exc-instance-connect-[0-9]*.rpm)
	POLICY=$(echo "$PACKAGES"/exc-instance-connect-selinux-*.rpm)
	MODULE=$(rpm -qpl "$PACKAGE" | grep '/pam_exc_instance_connect.so$')
	CONTROL=$(echo "$PACKAGES"/exc-connectd-[0-9]*.rpm)
	export PACKAGE POLICY MODULE CONTROL
	file_guest_start bare
	[ -n "${GUEST_DIR-}" ] || return 0
	ordinary_key ubuntu
	# PAM modules are in another folder here, and units are on if nothing switches them off.
	guest ln -s "$MODULE" "$(debian_pam)/"
	guest sh -c 'echo "disable *" >/usr/lib/systemd/system-preset/99-default-disable.preset'
}

setup() {
	[ -n "${GUEST_DIR-}" ] || return 0
	forget_events
	etc >"$BATS_TEST_TMPDIR/before"
}

teardown() {
	[ -n "${GUEST_DIR-}" ] || return 0
	guest sh -c 'rm -f /etc/ssh/sshd_config.d/*-other.conf'
	sshd_reload
	package --erase exc-instance-connect >/dev/null 2>&1 || true
	package --erase exc-instance-connect-operator >/dev/null 2>&1 || true
	package --erase exc-connectd >/dev/null 2>&1 || true
	guest rm -rf /etc/exc-instance-connect /var/lib/exc-instance-connect
	ordinary
}

# Tests that need a guest begin with this.
in_guest() { file_guest_or_skip; }
debian_pam() { dirname "$(dpkg -L libpam-modules | grep '/pam_unix.so$')"; }
package() { guest rpm --nodeps "$@"; }
ordinary() { login "$GUEST_DIR/keys/ordinary-ubuntu" ubuntu true; }
one_time() { wait_for ledger_is_sure && login "$(ask ubuntu)" ubuntu true; }
# Everything in /etc but the accounts, which stay, and the copies that passwd's tools keep
etc() {
	guest find /etc -type f ! -name '*-' ! -name 'ld.so.cache' ! -path '/etc/*passwd' ! -path '/etc/*group' \
		! -path '/etc/*shadow' ! -path '/etc/sub?id' -exec sha256sum {} + | sort -k2
	guest find /etc ! -name '*-' -printf '%p %M %u %g\n' | sort
}
reloads() { journal -t sshd | jq -r .MESSAGE | grep -c 'SIGHUP' || true; }

# scriptlets PACKAGE: the name of a file for each of its scriptlets
scriptlets() {
	local name tag
	for tag in PREIN POSTIN PREUN POSTUN POSTTRANS TRANSFILETRIGGERSCRIPTS; do
		name=$BATS_TEST_TMPDIR/$(basename "$1").$tag
		rpm -qp --qf "%{$tag}\n" "$1" >"$name"
		[ "$(cat "$name")" = "(none)" ] || echo "$name"
	done
}

# repository_build WORD...: rpm/build-repository with these words, and a key that is made for the test
repository_build() {
	export GNUPGHOME=$BATS_TEST_TMPDIR/gnupg
	if [ ! -d "$GNUPGHOME" ]; then
		mkdir -m 0700 "$GNUPGHOME"
		gpg --batch --quiet --passphrase '' --quick-generate-key packages@example.net rsa3072 sign never
	fi
	"$BATS_TEST_DIRNAME/../../rpm/build-repository" --key packages@example.net "$@" "$REPOSITORY"
}
# operators VERSION: its package in the repository
operators() { echo "$REPOSITORY/exc-instance-connect-operator-$1-1.noarch.rpm"; }

# staged FIND-OPTION...: files that `make install` installs
staged() { (cd "$EXC_BUILD/stage" && find ./usr "$@") | sed 's/^\.//'; }

@test "the packages have what Debian's have, with these owners and modes" {
	root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/etc"
	printf 'root:x:0:0::/:/bin/sh\nexc-instance-connect:x:901:902::/:/bin/false\nexc-connectd:x:903:904::/:/bin/false\n' >"$root/etc/passwd"
	printf 'root:x:0:\nexc-instance-connect:x:902:\nexc-connectd:x:904:\n' >"$root/etc/group"
	rpm --root "$root" --dbpath /root/db --nodeps --noscripts --install "$PACKAGES"/exc-*.rpm
	{
		echo "drwxr-xr-x 0 0 /etc/exc-instance-connect"
		echo "drwxr-xr-x 0 0 /etc/exc-instance-connect/trust.d"
		echo "-rwxr-xr-x 0 0 /usr/bin/exc"
		echo "-rwxr-xr-x 0 0 /usr/bin/exc-instance-connect"
		echo "drwxr-xr-x 0 0 /usr/libexec/exc-instance-connect"
		echo "-rwxr-xr-x 0 0 /usr/libexec/exc-instance-connect/agent"
		echo "-rwxr-xr-x 0 0 /usr/libexec/exc-instance-connect/fetch"
		echo "-rwxr-xr-x 0 0 /usr/sbin/exc-connectd"
		echo "-rwxr-xr-x 0 0 $MODULE"
		echo "-rw-r--r-- 0 0 /usr/lib/systemd/system-preset/50-exc-instance-connect.preset"
		echo "-rw-r--r-- 0 0 /usr/share/selinux/packages/exc_instance_connect.pp"
		echo "drwx------ 903 904 /var/lib/exc-connectd"
		echo "drwxr-xr-x 0 0 /var/lib/exc-instance-connect"
		echo "drwx------ 901 902 /var/lib/exc-instance-connect/receipts"
		# Manual pages, completions, units with their drop-ins, and whatever else the build installs for systemd
		staged -path '*/man/*' -type f -printf '-rw-r--r-- 0 0 %p\n' -o \
			\( -name exc -path '*/completions/*' -o -name _exc -o -name exc.fish \) -printf '-rw-r--r-- 0 0 %p\n' -o -path './usr/lib/*.d/*' -type f -printf '-rw-r--r-- 0 0 %p\n' \
			-o -path '*/systemd/*/*' -type f -printf '-rw-r--r-- 0 0 %p\n' -o -path '*/exc-*.d' -printf 'drwxr-xr-x 0 0 %p\n' |
			sed 's| \./| /|'
	} | sort -k4 >"$BATS_TEST_TMPDIR/expected"
	(cd "$root" && find . -mindepth 1 \( -path ./etc/passwd -o -path ./etc/group -o -path ./root \
		-o -path ./usr/lib/.build-id -o -path ./usr/share/doc -o -path ./usr/share/licenses -o -path ./run \) -prune \
		-o -printf '%M %U %G %p\n') | sed -e 's| \./| /|' -e 's|\.gz$||' |
		# Folders that others own
		grep -vE '^d.* /(etc|run|usr|var)(/(bin|sbin|libexec|share|share/selinux|share/selinux/packages|lib)?)?$' |
		grep -vE '^d.* /usr/share/(bash-completion(/completions)?|fish(/vendor_completions\.d)?|zsh(/site-functions)?)$' |
		grep -vE '^d.* /usr/(lib(64)?(/security|/systemd|/systemd/[a-z-]*|/[a-z]*\.d)?|share/man(/man[158])?)$' |
		sort -k4 | diff "$BATS_TEST_TMPDIR/expected" -
	# What systemd-tmpfiles makes, rpm knows whose it is; and everybody gets the license.
	rpm -qp --qf '[%{FILEFLAGS:fflags} %{FILEMODES:perms} %{FILEUSERNAME} %{FILENAMES}\n]' "$PACKAGE" >"$BATS_TEST_TMPDIR/flags"
	grep -qx 'g drwx------ exc-instance-connect /run/exc-instance-connect' "$BATS_TEST_TMPDIR/flags"
	grep -qx 'g drwx------ exc-instance-connect /run/exc-instance-connect/used' "$BATS_TEST_TMPDIR/flags"
	grep -qx 'g drwx------ exc-instance-connect /run/exc-instance-connect/receipts' "$BATS_TEST_TMPDIR/flags"
	for file in "$PACKAGES"/exc-*.rpm; do
		rpm -qpL "$file" | grep -q '/LICENSE$'
	done
}

@test "the packages want what they need, and the policy where there is one" {
	run rpm -qp --requires "$PACKAGE"
	for wanted in openssh-server systemd shadow-utils '(exc-instance-connect-selinux if selinux-policy-targeted)'; do
		[[ $'\n'"$output"$'\n' == *$'\n'"$wanted"$'\n'* ]]
	done
	[ "$(rpm -qp --qf '%{ARCH}' "$POLICY")" = noarch ]
	rpm -qp --requires "$POLICY" | grep -qx policycoreutils
	[ "$(rpm -qp --qf '%{VERSION} %{LICENSE}' "$PACKAGE")" = \
		"$(sed -n 's/^AC_INIT(\[instance-connect\], \[\([^]]*\)\].*/\1/p' "$BATS_TEST_DIRNAME/../../configure.ac") Apache-2.0" ]
	# RHEL 8 has no SQLite that exc-connectd could use.
	[ "$(cd "$PACKAGES" && echo exc-connectd-*.rpm)" != 'exc-connectd-*.rpm' ]
	[ "$(cd "$NEWER" && echo exc-connectd-*.rpm)" = 'exc-connectd-*.rpm' ]
}

@test "where the distribution has a macro that makes users, it makes ours" {
	run rpmspec -P --define "_sourcedir $BATS_TEST_DIRNAME/../../systemd" \
		--define 'sysusers_create_compat() made from %{basename:%{1}}' "$BATS_TEST_DIRNAME/../../rpm/instance-connect.spec"
	[ "$status" -eq 0 ]
	[[ "$output" == *$'\nmade from exc-instance-connect.sysusers.conf\n'* ]]
	[[ "$output" == *$'\nmade from exc-connectd.sysusers.conf\n'* ]]
	[[ "$output" != *useradd* ]]
}

@test "rpmlint has nothing to say" {
	run rpmlint -c "$BATS_TEST_DIRNAME/../../rpm/rpmlint.toml" "$PACKAGES"/exc-*.rpm "$PACKAGES"/*.src.rpm \
		"$BATS_TEST_DIRNAME/../../rpm/instance-connect.spec"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *" 5 packages and 1 specfiles checked; 0 errors, 0 warnings"* ]]
}

@test "no scriptlet fails a transaction, whatever is missing" {
	in_guest
	[ "$(scriptlets "$PACKAGE" | wc -l)" -eq 5 ]
	[ "$(scriptlets "$POLICY" | wc -l)" -eq 3 ]
	[ "$(scriptlets "$CONTROL" | wc -l)" -eq 4 ]
	for file in $(scriptlets "$PACKAGE") $(scriptlets "$POLICY") $(scriptlets "$CONTROL"); do
		shellcheck -S warning -s sh -e SC1091 "$file"
		for count in 0 1 2; do
			# Not even rm is there.
			run guest env -i PATH=/nowhere /bin/sh "$file" "$count"
			[ "$status" -eq 0 ] || { echo "$file $count: $output"; false; }
		done
	done
}

@test "installing switches one-time keys on, and ordinary keys work before, during and after" {
	in_guest
	ordinary
	run package --install "$PACKAGE"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"sshd asks exc-instance-connect about keys"*"PAM spends a one-time key"* ]]
	ordinary
	guest_trust
	logs_in_once
	logged_in_once
	guest exc-instance-connect sshd status
	[ "$(guest stat -c '%U %G %a' /run/exc-instance-connect /var/lib/exc-instance-connect/receipts | sort -u)" = \
		"exc-instance-connect exc-instance-connect 700" ]
	guest test -e /etc/systemd/system/multi-user.target.wants/exc-instance-connect-report.path
	guest test -e /etc/systemd/system/timers.target.wants/exc-instance-connect-report.timer
	package --verify exc-instance-connect
	ordinary
}

@test "erasing leaves /etc as it was but for what a person wrote" {
	in_guest
	package --install "$PACKAGE"
	guest_trust
	one_time
	package --erase exc-instance-connect
	ordinary
	run one_time
	[ "$status" -eq 255 ]
	[ "$(sshd_command)" = "authorizedkeyscommand none" ]
	[ "$(guest find /etc/exc-instance-connect -type f | sort)" = \
"/etc/exc-instance-connect/agent.conf
/etc/exc-instance-connect/trust.d/operator.pem" ]
	run guest sh -c 'ls -d /run/exc-instance-connect /usr/bin/exc-instance-connect 2>/dev/null'
	[ -z "$output" ]
	guest rm -r /etc/exc-instance-connect
	etc | diff "$BATS_TEST_TMPDIR/before" -
}

@test "installing again after erasing switches it on again, with the configuration that was there" {
	in_guest
	package --install "$PACKAGE"
	guest_trust
	key=$(ask ubuntu)
	login "$key" ubuntu true
	package --erase exc-instance-connect
	package --install "$PACKAGE"
	# The ledger went with the package, and what was spent is spent.
	forget_events
	run login "$key" ubuntu true
	[ "$status" -eq 255 ]
	[[ "$(events EVENT)" != *offered* ]]
	one_time
	ordinary
}

@test "an upgrade keeps it on, keeps it off where it was switched off, and does not touch sshd" {
	in_guest
	package --install "$PACKAGE"
	[ "$(reloads)" -ge 1 ]
	guest_trust
	key=$(ask ubuntu)
	login "$key" ubuntu true
	forget_events
	run package --upgrade "$NEWER"/exc-instance-connect-[0-9]*.rpm
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" != *sshd* ]]
	[[ "$(guest rpm --query exc-instance-connect)" == *.el8.* ]]
	[ "$(reloads)" -eq 0 ]
	# It is the same ledger.
	run login "$key" ubuntu true
	[ "$status" -eq 255 ]
	one_time
	ordinary
	guest exc-instance-connect sshd disable
	package --upgrade --oldpackage "$PACKAGE"
	run guest exc-instance-connect sshd status
	[ "$status" -eq 1 ]
	ordinary
}

@test "an AuthorizedKeysCommand of somebody else stays, and installing says what to do" {
	in_guest
	other_command
	run package --install "$PACKAGE"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"another AuthorizedKeysCommand, and nothing was changed"* ]]
	[[ "$output" == *"to switch it on later, run: exc-instance-connect sshd enable"* ]]
	[ "$(sshd_command)" = "authorizedkeyscommand /bin/true %u" ]
	ordinary
	package --erase exc-instance-connect
	[ "$(sshd_command)" = "authorizedkeyscommand /bin/true %u" ]
}

@test "with a configuration of sshd that is broken, installing and erasing succeed and change nothing in it" {
	in_guest
	sshd_mistake
	run package --install "$PACKAGE"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"already broken, and nothing was changed"*"NoSuchKeyword"*"to switch it on later, run"* ]]
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	sshd_reload
	guest exc-instance-connect sshd enable
	guest_trust
	one_time
	sshd_mistake
	run package --erase exc-instance-connect
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"still wired to exc-instance-connect, which is harmless"* ]]
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	sshd_reload
	ordinary
	# A later installation must not believe that PAM spends keys because this one said so.
	run guest test -e /etc/exc-instance-connect/pam.wired
	[ "$status" -eq 1 ]
	package --install "$PACKAGE"
	wait_for ledger_is_sure
	logs_in_once
}

@test "while only the agent runs a chained command, a broken configuration of sshd keeps the package" {
	in_guest
	other_command
	package --install "$PACKAGE"
	guest exc-instance-connect sshd enable --chain
	sshd_mistake
	run package --erase exc-instance-connect
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"is not removed, because only it runs the next_command"*"fix what sshd -t reports"* ]]
	guest test -x /usr/bin/exc-instance-connect
	guest rm /etc/ssh/sshd_config.d/20-other.conf
	sshd_reload
	package --erase exc-instance-connect
	[ "$(sshd_command)" = "authorizedkeyscommand /bin/true %u" ]
}

@test "installing into an image, without /proc and host keys and where sshd never ran, wires it" {
	in_guest
	guest sh -c 'mkdir /run/kept && mv /etc/ssh/ssh_host_* /run/kept/'
	run guest unshare --mount --net sh -c "umount -l /proc && mv /run/sshd /run/sshd.pid /run/kept/ &&
		rpm --nodeps --install $PACKAGE"
	guest sh -c 'rm -rf /run/sshd; mv /run/kept/ssh_host_* /etc/ssh/ && mv /run/kept/sshd* /run/ && rmdir /run/kept'
	echo "$output"
	[ "$status" -eq 0 ]
	guest exc-instance-connect sshd status
	[ "$(guest stat -c '%U %a' /var/lib/exc-instance-connect/receipts)" = "exc-instance-connect 700" ]
}

@test "the policy's package puts the module into the policy of this machine, and takes it out again" {
	in_guest
	[ -d /var/lib/selinux/default/active ] || skip "this machine has no base policy (selinux-policy-default)"
	# A next_command that people log in by has to go on.
	package --install "$PACKAGE"
	agent_conf 'next_command = /bin/true %u'
	package --install "$POLICY"
	guest semodule -lfull | grep -q '^200 exc_instance_connect  *pp'
	guest sh -c 'sesearch -T -s sshd_t -t exc_instance_connect_exec_t /etc/selinux/default/policy/policy.*' |
		grep 'exc_instance_connect_exec_t:process exc_instance_connect_t'
	guest sh -c 'seinfo -x -b exc_instance_connect_run_next_command /etc/selinux/default/policy/policy.*' |
		grep 'exc_instance_connect_run_next_command true;'
	package --erase exc-instance-connect-selinux
	run guest semodule -lfull
	[[ "$output" != *exc_instance_connect* ]]
	run guest sh -c 'seinfo -t exc_instance_connect_t /etc/selinux/default/policy/policy.*'
	[[ "$output" == *"Types: 0"* ]]
}

@test "the control plane's package makes its user and folder, starts nothing, and keeps what was written" {
	in_guest
	package --install "$CONTROL"
	[ "$(guest stat -c '%U %G %a' /var/lib/exc-connectd)" = "exc-connectd exc-connectd 700" ]
	[ "$(guest systemctl is-enabled exc-connectd.service || true)" = disabled ]
	package --verify exc-connectd
	guest exc-connectd init >"$BATS_TEST_TMPDIR/operator.pem"
	[ "$(guest find /var/lib/exc-connectd -type f -printf '%f %u %m\n' | sort)" = "connectd.db exc-connectd 600
signing-key.pem exc-connectd 600" ]
	guest systemctl enable exc-connectd.service
	package --upgrade --force "$CONTROL"
	[ "$(guest systemctl is-enabled exc-connectd.service)" = enabled ]
	package --erase exc-connectd
	run guest test -e /etc/systemd/system/multi-user.target.wants/exc-connectd.service
	[ "$status" -eq 1 ]
	guest test -s /var/lib/exc-connectd/signing-key.pem
	guest rm -r /var/lib/exc-connectd
	etc | diff "$BATS_TEST_TMPDIR/before" -
}

@test "a repository for dnf has the packages and the operator's, signed by the key that is beside them" {
	REPOSITORY=$BATS_TEST_TMPDIR/repository
	openssl genpkey -algorithm ed25519 -out "$BATS_TEST_TMPDIR/key.pem"
	openssl pkey -in "$BATS_TEST_TMPDIR/key.pem" -pubout -out "$BATS_TEST_TMPDIR/operator.pem"
	repository_build --operator "$BATS_TEST_TMPDIR/operator.pem" --metadata-url http://10.0.0.1 --operator-version 1 "$PACKAGES"
	rpm --dbpath "$BATS_TEST_TMPDIR/db" --import "$REPOSITORY/RepoKey.gpg"
	rpmkeys --dbpath "$BATS_TEST_TMPDIR/db" --define '_pkgverify_level signature' --checksig "$REPOSITORY"/*.rpm
	gpg --dearmor <"$REPOSITORY/RepoKey.gpg" >"$BATS_TEST_TMPDIR/RepoKey"
	gpgv --keyring "$BATS_TEST_TMPDIR/RepoKey" "$REPOSITORY/repodata/repomd.xml.asc" "$REPOSITORY/repodata/repomd.xml"
	[ "$(zcat "$REPOSITORY"/repodata/*-primary.xml.gz | grep -c '<name>exc')" -eq 5 ]
	rpm -qp --recommends "$REPOSITORY"/exc-instance-connect-0*.rpm | grep -qx exc-instance-connect-operator
	rpm -qp --qf '[%{FILEFLAGS:fflags} %{FILEMODES:perms} %{FILEUSERNAME} %{FILENAMES}\n]' "$(operators 1)" >"$BATS_TEST_TMPDIR/files"
	diff - "$BATS_TEST_TMPDIR/files" <<-'END'
	 drwxr-xr-x root /etc/exc-instance-connect
	cn -rw-r--r-- root /etc/exc-instance-connect/operator.conf
	 drwxr-xr-x root /etc/exc-instance-connect/trust.d
	cn -rw-r--r-- root /etc/exc-instance-connect/trust.d/exc-instance-connect-operator.pem
	END
	for words in "--operator-version 1 --metadata-url http://10.0.0.1|must be higher" "--operator-version 2|give --metadata-url"; do
		# shellcheck disable=SC2086 # words
		run repository_build --operator "$BATS_TEST_TMPDIR/operator.pem" ${words%|*}
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == *"${words#*|}"* ]]
	done
	[ "$(cd "$REPOSITORY" && echo exc-instance-connect-operator-*)" = exc-instance-connect-operator-1-1.noarch.rpm ]
	gpgconf --kill gpg-agent
}

@test "with the operator's package, installing is all, and a newer one changes the key; without an id, one command is left" {
	in_guest
	REPOSITORY=$BATS_TEST_TMPDIR/repository
	guest sh -c 'for tag in /sys/class/dmi/id/*_asset_tag; do [ ! -e "$tag" ] || mount --bind /dev/null "$tag"; done'
	openssl genpkey -algorithm ed25519 -out "$BATS_TEST_TMPDIR/key.pem"
	openssl pkey -in "$BATS_TEST_TMPDIR/key.pem" -pubout -out "$BATS_TEST_TMPDIR/other.pem"
	repository_build --operator "$BATS_TEST_TMPDIR/other.pem" --operator-version 1 "$PACKAGES"
	repository_build --operator "$BATS_TEST_TMPDIR/other.pem" --operator "$GUEST_DIR/operator.pem" --operator-version 2
	gpgconf --kill gpg-agent
	# Neither trust nor an id
	run package --install "$PACKAGE"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = 'install -D -m 0644 operator.pem /etc/exc-instance-connect/trust.d/operator.pem && echo "ID $(cat /etc/machine-id)" >/var/lib/exc-instance-connect/instance-id && exc-instance-connect doctor' ]
	package --erase exc-instance-connect
	# Both in one transaction, whichever rpm takes first
	run package --install "$PACKAGE" "$(operators 1)"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = 'echo "ID $(cat /etc/machine-id)" >/var/lib/exc-instance-connect/instance-id && exc-instance-connect doctor' ]
	guest sh -c "$(sed 's/ID/42/; s/ && .*//' <<<"${lines[-1]}")"
	run one_time
	[ "$status" -eq 255 ] # another operator's
	run package --upgrade "$(operators 2)"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$(grep "do not log in yet" <<<"$output")" ]
	forget_events
	one_time
	# The other way round, with the id still there
	package --erase exc-instance-connect
	guest test -e /etc/exc-instance-connect/trust.d/exc-instance-connect-operator.pem
	run package --install "$PACKAGE"
	[ "$status" -eq 0 ]
	[[ "$output" != *"do not log in yet"* ]]
	one_time
	package --erase exc-instance-connect exc-instance-connect-operator
	etc | diff "$BATS_TEST_TMPDIR/before" -
}
