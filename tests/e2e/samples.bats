#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The commented samples of agent.conf and connectd.conf: complete, true, and accepted by the programs.

: "${EXC_BUILD:?is the build directory to test, such as $PWD/build/check}"

EXAMPLES=$BATS_TEST_DIRNAME/../../docs/examples
AGENT=$EXC_BUILD/src/agent/agent
CONNECTD=$EXC_BUILD/src/connectd/exc-connectd

# Every setting of a sample, uncommented
settings() { sed -n 's/^#\([a-z]\)/\1/p' "$EXAMPLES/$1"; }
names() { settings "$1" | sed 's/ =.*//' | sort; }
# The names in a program's table of settings
known() {
	sed -n -E -e 's/^\tSETTING\(([a-z_]+),.*/\1/p' -e 's/^\tSETTING_IN\("([a-z_]+)",.*/\1/p' \
		-e 's/^\t\{ \.name = "([a-z_]+)",.*/\1/p' "$BATS_TEST_DIRNAME/../../src/$1" | sort
}
# The settings that a manual page describes
described() { sed -n 's/^\.It Ic //p' "$BATS_TEST_DIRNAME/../../man/$1" | sed 's/ , /\n/g' | sort; }

setup() {
	CONF=$BATS_TEST_TMPDIR/conf
}

@test "the sample of agent.conf has every setting, and so has its manual page" {
	[ -n "$(names agent.conf)" ]
	diff <(known agent/config/config.c) <(names agent.conf)
	diff <(known agent/config/config.c) <(described exc-instance-connect.conf.5)
}

@test "the sample of connectd.conf has every setting, and so has its manual page" {
	[ -n "$(names connectd.conf)" ]
	diff <(known connectd/config/config.c) <(names connectd.conf)
	diff <(known connectd/config/config.c) <(described exc-connectd.conf.5)
}

# publish-host-keys names a file that is not there: what it reports is the configuration or that, and it asks nobody.
@test "the agent accepts its sample with every setting uncommented" {
	settings agent.conf >"$CONF"
	chmod 0644 "$CONF"
	run "$AGENT" --config "$CONF" publish-host-keys "$BATS_TEST_TMPDIR/none"
	echo "$output"
	[[ "$output" == *"$BATS_TEST_TMPDIR/none"* ]]
	[[ "$output" != *" line "* ]]
	echo 'no_such_setting = 1' >>"$CONF"
	run "$AGENT" --config "$CONF" publish-host-keys "$BATS_TEST_TMPDIR/none"
	[[ "$output" == *"unknown setting no_such_setting"* ]]
}

@test "the control plane accepts its sample with every setting uncommented" {
	settings connectd.conf | sed "s|/var/lib/exc-connectd|$BATS_TEST_TMPDIR|" >"$CONF"
	"$CONNECTD" --config "$CONF" init
	[ -s "$BATS_TEST_TMPDIR/connectd.db" ]
	[ -s "$BATS_TEST_TMPDIR/signing-key.pem" ]
	echo 'no_such_setting = 1' >>"$CONF"
	run "$CONNECTD" --config "$CONF" init
	[ "$status" -eq 1 ]
	[[ "$output" == *"unknown setting no_such_setting"* ]]
}

# default_of NAME FOLDER: what config.c of this folder sets before it reads a line; a bound is named in the header
default_of() {
	local value
	value=$(sed -n "s/^\t*\.$1 = \(.*\),\$/\1/p" "$BATS_TEST_DIRNAME/../../src/$2/config.c")
	case $value in
	[A-Z]*) sed -n "s/^#define $value \([0-9]*\).*/\1/p" "$BATS_TEST_DIRNAME/../../src/$2/config.h" ;;
	*) tr -d '"' <<<"$value" ;;
	esac
}

@test "the numbers in the samples are the programs' defaults" {
	for sample in agent.conf:agent/config connectd.conf:connectd/config; do
		settings "${sample%%:*}" | grep ' = [0-9]*$' >"$BATS_TEST_TMPDIR/numbers"
		[ -s "$BATS_TEST_TMPDIR/numbers" ]
		while read -r name _ value; do
			echo "$name: sample $value, program $(default_of "$name" "${sample#*:}")"
			[ "$(default_of "$name" "${sample#*:}")" = "$value" ]
		done <"$BATS_TEST_TMPDIR/numbers"
	done
}

@test "man finds agent.conf and connectd.conf, the samples are installed, and so is the API's description" {
	make -C "$EXC_BUILD" install-data DESTDIR="$BATS_TEST_TMPDIR/stage" >"$BATS_TEST_TMPDIR/install.log" 2>&1
	share=$BATS_TEST_TMPDIR/stage/usr/share
	man --manpath="$share/man" --path agent.conf
	[ "$(man --manpath="$share/man" agent.conf | col -b)" = "$(man --manpath="$share/man" exc-instance-connect.conf | col -b)" ]
	[ "$(man --manpath="$share/man" connectd.conf | col -b)" = "$(man --manpath="$share/man" exc-connectd.conf | col -b)" ]
	cmp "$EXAMPLES/agent.conf" "$share/doc/exc-instance-connect/examples/agent.conf"
	cmp "$EXAMPLES/connectd.conf" "$share/doc/exc-connectd/examples/connectd.conf"
	jq -e .openapi "$share/doc/exc-connectd/openapi.json"
}
