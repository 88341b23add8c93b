#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# tests/layers: which folder of src/ may include which.

setup() {
	LAYERS=$BATS_TEST_DIRNAME/../layers
	cp -r "$BATS_TEST_DIRNAME/../../src" "$BATS_TEST_TMPDIR/src"
}

# breach FILE LINE RULE: add the line to the file of the copy, and expect it to be named with the rule
breach() {
	local file=$BATS_TEST_TMPDIR/src/$1
	printf '%s\n' "$2" >>"$file"
	run "$LAYERS" "$BATS_TEST_TMPDIR"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == "src/$1:$(wc -l <"$file"): $3"* ]]
}

@test "the tree as it is breaks no rule" {
	run "$LAYERS" "$BATS_TEST_TMPDIR"
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "a grant that looks into the agent is named with file, line and rule" {
	breach grant/grant.c '#include "agent/config/config.h"' "src/grant may not use src/agent/config"
}

@test "a library is for the folders that are named for it" {
	breach agent/answer/answer.c '#include <curl/curl.h>' "src/agent/answer may not use curl"
}

@test "a forward declaration does not hide an arrow" {
	breach base/json.h 'struct grant;' "src/base may not use src/grant (struct grant)"
}

@test "a new folder has to be entered in the table" {
	mkdir "$BATS_TEST_TMPDIR/src/new"
	breach new/new.c '#include "base/json.h"' "src/new is not in the table of tests/layers"
}

@test "what is included is there" {
	breach base/json.c '#include "base/none.h"' "there is no src/base/none.h"
}

@test "the table has no room for a cycle" {
	sed 's/^base$/base: cli/' "$LAYERS" >"$BATS_TEST_TMPDIR/layers"
	run python3 "$BATS_TEST_TMPDIR/layers" "$BATS_TEST_TMPDIR"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *"lets base include cli, which does not stand above it"* ]]
}

@test "a folder without sources is wrong usage, and not a tree without a breach" {
	run "$LAYERS" "$BATS_TEST_TMPDIR/src"
	[ "$status" -eq 2 ]
}
