# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What tests measure for docs/compatibility.md: it has to be on the page, or, where tests/compatibility runs them to
# write the page, it is put into EXC_MEASURED.

page_tool=$(dirname "${BASH_SOURCE[0]}")/../compatibility

# page_agrees TABLE COLUMN ROW CELL: is this there?
page_agrees() {
	if [ -n "${EXC_MEASURED-}" ]; then
		printf '%s\t' "$1" "$2" "$3" >>"$EXC_MEASURED"
		printf '%s\n' "$4" >>"$EXC_MEASURED"
	else
		"$page_tool" --has "$@"
	fi
}

# page_version OF VERSION: said on the page, and not compared: a security update changes it
page_version() {
	[ -z "${EXC_MEASURED-}" ] || printf 'version\t%s\t\t%s\n' "$1" "$2" >>"$EXC_MEASURED"
}
