#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What exc can do, its help, its manual page and the three shells' completions say the same.

exc=$EXC_BUILD/src/cli/exc
root=$BATS_TEST_DIRNAME/../..
commands=("compute connect" "compute exec" "compute scp" "compute console" "compute tunnel" "compute connect-log" login me
	ssh-config)

# options COMMAND: the long ones that its help names
options() {
	# shellcheck disable=SC2086 # words
	"$exc" $1 --help | grep -o '^  *\(-h, \)\?--[a-z-]*' | sed 's/.*--//'
}

# complete WORD...: what bash completes the last word to
complete_with_bash() {
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _exc; printf "%s\n" "${COMPREPLY[@]}"' bash \
		"$root/completions/bash/exc" "$@"
}

@test "bash completes every command's options, and no others" {
	for command in "${commands[@]}"; do
		# shellcheck disable=SC2086 # words
		diff <(options "$command" | sort) <(complete_with_bash exc $command -- | sed 's/--//' | sort)
	done
	[ "$(complete_with_bash exc compute con | paste -sd' ')" = "connect console connect-log" ]
	[ "$(complete_with_bash exc compute exec --via t)" = tunnel ]
	[ "$(complete_with_bash exc m)" = me ]
}

@test "fish completes every command's options" {
	command -v fish >/dev/null || skip "there is no fish"
	for command in "${commands[@]}"; do
		HOME=$BATS_TEST_TMPDIR fish -c "source $root/completions/fish/exc.fish; complete -C 'exc $command --'" |
			cut -f1 | sed 's/--//' | sort >"$BATS_TEST_TMPDIR/fish"
		diff <(options "$command" | sort) "$BATS_TEST_TMPDIR/fish"
	done
}

@test "zsh reads its completion, which has every option" {
	command -v zsh >/dev/null || skip "there is no zsh"
	zsh -n "$root/completions/zsh/_exc"
	for command in "${commands[@]}"; do
		for option in $(options "$command"); do
			grep -q -e "--$option" "$root/completions/zsh/_exc"
		done
	done
}

@test "the manual page has every command with an example, and every option" {
	man=$(mandoc -T utf8 "$root/man/exc.1" | col -b | tr -s ' ')
	for command in "${commands[@]}"; do
		grep -q "exc $command" <<<"${man#*EXAMPLES}" || [ "$command" = "compute tunnel" ]
		for option in $(options "$command"); do
			grep -q -e "--$option" <<<"$man" || { echo "$command --$option"; return 1; }
		done
	done
	grep -q "ProxyCommand exc compute tunnel" <<<"$man"
}
