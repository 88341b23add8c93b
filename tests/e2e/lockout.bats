#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whatever is wrong with what we keep: an ordinary key, a password and a certificate log in, and a one-time key opens
# one session at most.

load file_guest
load other_sshd

PORT=2200
MANY=10000

setup_file() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	other_ways
	other_sshd $PORT "PasswordAuthentication yes" "TrustedUserCAKeys $GUEST_DIR/keys/ca.pub"
}

teardown() {
	[ -z "${GUEST_DIR-}" ] || guest sh -c "! mountpoint -q $LEDGER || umount $LEDGER
		rm -rf $LEDGER /run/elsewhere; systemd-tmpfiles --create exc-instance-connect.conf"
}

# holds: nobody is locked out, and nobody gets in twice
holds() {
	local times
	all_ways $PORT || return
	times=$(count_logins $PORT "$(ask ubuntu)" ubuntu 2)
	echo "a one-time key got in $times times"
	[ "$times" -le 1 ] || return
	all_ways $PORT
}

# planted SHELL: something is done to the ledger while a one-time key is offered, and undone by teardown
planted() {
	ledger_of_an_hour
	guest sh -euc "cd $LEDGER; hash=$(cut -d' ' -f2 "$GUEST_DIR/keys/ordinary-ubuntu.pub" | base64 -d | sha256sum | cut -d' ' -f1); $1"
	holds
}

# The kinds of entries that other connections may have: each for the ordinary key, under the pids that come next
next_pids='last=$(cut -d" " -f5 /proc/loadavg); seq $((last + 1)) $((last + 400))'

@test "$MANY entries of other connections, for other users and with the ordinary key" {
	planted "for pid in \$(seq 2000000 $((2000000 + MANY))); do
			mkdir connections/\$pid
			printf 'instance-connect offer 2\ndeadline 99999999\nuser ana\n' >connections/\$pid/\$hash
		done
		chown -R exc-instance-connect: connections"
}

@test "entries of earlier processes with the pids of those that log in" {
	planted "for pid in \$($next_pids); do
			mkdir connections/\$pid
			printf 'instance-connect offer 2\ndeadline 1\nuser ana\n' >connections/\$pid/\$hash
			touch -d @1 connections/\$pid/\$hash
		done
		chown -R exc-instance-connect: connections"
}

@test "earlier processes' entries that cannot be read: directories, links, pipes, of others" {
	planted "for pid in \$($next_pids); do
			mkdir connections/\$pid
			case \$((pid % 4)) in
			0) mkdir connections/\$pid/\$hash ;;
			1) ln -s /nowhere connections/\$pid/\$hash ;;
			2) mkfifo connections/\$pid/\$hash ;;
			*) : >connections/\$pid/\$hash; chmod 0 connections/\$pid/\$hash ;;
			esac
			touch -h -d @1 connections/\$pid/\$hash
		done"
}

@test "files and links where connections have their directories" {
	planted "for pid in \$($next_pids); do
			if [ \$((pid % 2)) -eq 0 ]; then : >connections/\$pid; else ln -s /etc connections/\$pid; fi
		done"
}

@test "the ledger is a link" { planted "cd /; mv $LEDGER /run/elsewhere; ln -s /run/elsewhere $LEDGER"; }
@test "the ledger is a file" { planted "cd /; rm -r $LEDGER; : >$LEDGER"; }
@test "the ledger is missing" { planted "cd /; rm -r $LEDGER"; }
@test "the ledger is somebody else's" { planted "chown ana: ."; }
@test "the ledger is open to everybody" { planted "chmod 0777 ."; }
@test "parts of the ledger are files" { planted "rm -r connections used; : >connections; : >used"; }
@test "parts of the ledger are links" { planted "rm -r connections bound; ln -s /etc connections; ln -s /etc bound"; }
@test "parts of the ledger are missing" { planted "rm -r connections used bound modules"; }
@test "what the module locks is somebody else's" { planted "chown ana: modules"; }
@test "what the module locks is a pipe" { planted "rm modules; mkfifo modules"; }

@test "the ledger is full" {
	guest mount -t tmpfs -o size=4k,nr_inodes=12,mode=0700 tmpfs "$LEDGER"
	planted "cat /dev/zero >ballast 2>/dev/null || true"
}

@test "the ledger is read-only" {
	guest mount -t tmpfs -o mode=0700 tmpfs "$LEDGER"
	planted "mount -o remount,ro ."
}

@test "the module is missing, is no module, and lacks what it needs" {
	module=$(guest find /usr/lib -name pam_exc_instance_connect.so)
	guest mv "$module" "$module.away"
	run holds
	guest sh -c "echo no module >$module; chmod 0644 $module"
	if [ "$status" -eq 0 ]; then run holds; fi
	echo 'int missing(void); int pam_sm_open_session(void) { return missing(); }' |
		gcc -shared -fPIC -x c -o "$BATS_TEST_TMPDIR/lacking.so" -
	guest install -m 0644 "$BATS_TEST_TMPDIR/lacking.so" "$module"
	if [ "$status" -eq 0 ]; then run holds; fi
	guest mv "$module.away" "$module"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the agent is missing, and then broken" {
	guest mv /usr/bin/exc-instance-connect /usr/bin/away
	run holds
	guest sh -c 'echo no program >/usr/bin/exc-instance-connect; chmod 0755 /usr/bin/exc-instance-connect'
	if [ "$status" -eq 0 ]; then run holds; fi
	guest mv /usr/bin/away /usr/bin/exc-instance-connect
	echo "$output"
	[ "$status" -eq 0 ]
}
