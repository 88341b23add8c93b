/* SPDX-License-Identifier: Apache-2.0 */
/* sshd's patterns: what sshd matches is matched, and nothing else. */
#include "unit.h"

#include "agent/wiring/sshd_pattern.h"

static void a_pattern_has_stars_and_question_marks_only(void **state)
{
	static const struct {
		const char *text, *pattern;
		bool matches;
	} rows[] = {
		{ "ubuntu", "ubuntu", true },
		{ "ubuntu", "Ubuntu", false },
		{ "ubuntu", "ubunt", false },
		{ "ubunt", "ubuntu", false },
		{ "ubuntu", "*", true },
		{ "", "*", true },
		{ "", "", true },
		{ "", "?", false },
		{ "ubuntu", "ubunt?", true },
		{ "ubuntu", "ubuntu?", false },
		{ "ubuntu", "u*u*u", true },
		{ "ubuntu", "u*b*x", false },
		{ "ubuntu", "**tu**", true },
		{ "ubuntu", "*ubuntu", true },
		{ "ubuntu", "[u]buntu", false },
		{ "ubuntu", "\\ubuntu", false },
		{ "ubuntu", "!ana", false },
		{ "!ana", "!ana", true },
		{ "aaab", "a*ab", true },
		{ "*", "?", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (sshd_pattern_matches(rows[i].text, rows[i].pattern) != rows[i].matches)
			fail_msg("%s and %s", rows[i].text, rows[i].pattern);
}

static void a_list_excludes_what_an_exclamation_mark_matches(void **state)
{
	(void)state;
	assert_true(sshd_pattern_list_matches("ssh-ed25519", "ssh-rsa,ssh-ed25519"));
	assert_true(sshd_pattern_list_matches("ssh-ed25519", "ssh-*"));
	assert_true(sshd_pattern_list_matches("ssh-ed25519", "!ssh-rsa,*"));
	assert_false(sshd_pattern_list_matches("ssh-ed25519", "*,!ssh-ed25519"));
	assert_false(sshd_pattern_list_matches("ssh-ed25519", "!ssh-ed25519,*"));
	assert_false(sshd_pattern_list_matches("ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"));
	assert_false(sshd_pattern_list_matches("ssh-ed25519", ""));
	assert_false(sshd_pattern_list_matches("ssh-ed25519", "!"));
	assert_false(sshd_pattern_list_matches("ssh-ed25519", "!ssh-rsa"));
}

static void a_user_at_a_host_depends_on_the_address(void **state)
{
	(void)state;
	assert_int_equal(sshd_pattern_user("ubuntu", "ubu*"), SSHD_USER_INSIDE);
	assert_int_equal(sshd_pattern_user("ubuntu", "ubu*@10.*"), SSHD_USER_BY_ADDRESS);
	assert_int_equal(sshd_pattern_user("ubuntu", "ana@10.*"), SSHD_USER_OUTSIDE);
	assert_int_equal(sshd_pattern_user("ubuntu", "*@a@b"), SSHD_USER_BY_ADDRESS);
	assert_int_equal(sshd_pattern_user("ubuntu", "!ana"), SSHD_USER_OUTSIDE);
	/* sshd looks for the first @, and finds no user of that name. */
	assert_int_equal(sshd_pattern_user("ana@example.org", "ana@example.org"),
			 SSHD_USER_OUTSIDE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_has_stars_and_question_marks_only),
		cmocka_unit_test(a_list_excludes_what_an_exclamation_mark_matches),
		cmocka_unit_test(a_user_at_a_host_depends_on_the_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
