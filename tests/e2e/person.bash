# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A person with exc beside the guest of guest.bash: an account without rights, a home, a token.
#
# PERSON_DIR, set by person_start, has home/, run/ (XDG_RUNTIME_DIR), tmp/, bin/exc and bin/typist. The person's
# processes see the operator's network, and a /proc that fits their numbers. EXC_CLIENT names another exc
# than the build's, such as one with sanitizers: with those in its modules, sshd would not run.

PERSON=nobody
person_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

person_start() {
	PERSON_DIR=$GUEST_DIR/person
	export PERSON_DIR
	mkdir -p "$PERSON_DIR/bin"
	install -m 0755 "${EXC_CLIENT:-$EXC_BUILD/src/cli/exc}" "$PERSON_DIR/bin/exc"
	install -m 0755 "$person_here/typist.py" "$PERSON_DIR/bin/typist"
	install -d -m 0700 -o "$PERSON" "$PERSON_DIR/home" "$PERSON_DIR/run" "$PERSON_DIR/tmp"
	# The same instance with a list of users, of which the first is the default
	connectd instance remove 42
	connectd instance add 42 --address "$GUEST_ADDRESS" --host "$GUEST_ADDRESS" --user ubuntu --user ana \
		--host-key "$(cut -d' ' -f2- "$GUEST_DIR/known_hosts")"
	PERSON_TOKEN=$(sed 's/.*Bearer //' "$GUEST_DIR/token")
	export PERSON_TOKEN
}

# What a bats file's setup_file begins with: one guest for the file, and a person beside it
file_person_start() {
	file_guest_start
	[ -n "${GUEST_DIR-}" ] || return 0
	person_start
}

# person COMMAND...: PERSON_ENV has more variables
person() {
	# shellcheck disable=SC2086 # a list of variables
	operator_proc setpriv --reuid "$PERSON" --regid nogroup --clear-groups \
		env -i PATH="$PERSON_DIR/bin:/usr/bin:/bin" HOME="$PERSON_DIR/home" LANG=C.UTF-8 TERM=xterm \
		XDG_RUNTIME_DIR="$PERSON_DIR/run" TMPDIR="$PERSON_DIR/tmp" \
		EXC_ENDPOINT=http://127.0.0.1:8443 EXCLOUD_ACCESS_TOKEN="$PERSON_TOKEN" ${PERSON_ENV-} "$@"
}

# What another shell has to run before it knows person
person_shell() {
	declare -f person operator_proc operator
	echo "PERSON=$PERSON"
}

# on_terminal [--raw] [TEXT TYPED]... [TEXT] -- COMMAND...: the person's, with a terminal, on which each TYPED is
# typed once the command has printed the TEXT before it (typist.py)
on_terminal() { person typist "$@"; }
