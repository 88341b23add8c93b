/* SPDX-License-Identifier: Apache-2.0 */
/* Other programs' command lines: split into words, filled in, and run within bounds. */
#include "unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/answer/next_command.h"
#include "base/clock.h"
#include "agent/config/config.h"
#include "base/root_only.h"
#include "base/run_program.h"
#include "agent/wiring/systemd_unit.h"
#include "base/command_line.h"
#include "mint.h"

static const struct login_attempt query = {
	.user = "root", .passed_fingerprint = "SHA256:abc", .key_type = "ssh-ed25519", .key = "AAAA"
};

/* Words with a bar between them, to compare at a glance */
static const char *joined(const struct words *words, char text[256])
{
	text[0] = '\0';
	for (unsigned int i = 0; i < words->count; i++)
		snprintf(text + strlen(text), 256 - strlen(text), "%s%s", i == 0 ? "" : "|",
			 words->at[i]);
	return text;
}

static void a_line_is_split_as_sshd_splits_it(void **state)
{
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "/bin/a b\tc  ", "/bin/a|b|c" },
		{ "  /bin/a", "/bin/a" },
		{ "/a \"b c\" 'd e'", "/a|b c|d e" },
		{ "/a b\"c d\"e", "/a|bc de" },
		{ "/a \"\" ''", "/a||" },
		{ "/a b\\ c \\\"d\\'", "/a|b c|\"d'" },
		{ "/a \"b\\\"c\" 'd\\e'", "/a|b\"c|d\\e" },
		{ "/a \\n \\", "/a|\\n|\\" },
		{ "", "" },
	};
	struct words words;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(words_split(&words, cases[i].line));
		assert_string_equal(joined(&words, text), cases[i].words);
		assert_null(words.at[words.count]);
	}
}

static void a_line_that_does_not_end_or_fit_is_refused(void **state)
{
	char *many = calloc(1, WORDS_BYTES_MAX + 2);
	struct words words;

	(void)state;
	assert_false(words_split(&words, "/a \"b"));
	assert_false(words_split(&words, "/a 'b\""));
	for (int i = 0; i < WORDS_MAX; i++)
		strcat(many, "a ");
	assert_true(words_split(&words, many));
	assert_int_equal(words.count, WORDS_MAX);
	strcat(many, "a");
	assert_false(words_split(&words, many));
	memset(many, 'a', WORDS_BYTES_MAX + 1);
	assert_false(words_split(&words, many));
	many[WORDS_BYTES_MAX - 1] = '\0';
	assert_true(words_split(&words, many));
	free(many);
}

static void a_next_command_is_a_path_with_tokens_that_are_known(void **state)
{
	static const char *const good[] = { "/bin/true", "/bin/a %u %f %t %k %h %U %%",
					    "/bin/a --user=%u:%f \"a b\"" };
	static const char *const bad[] = { "",         "bin/true",  "true %u", "/bin/a %C",
					   "/bin/a %", "/bin/a %D", "/bin/%u", "/bin/a \"",
					   "none",     "/bin/a %%%" };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(next_command_is_valid(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(next_command_is_valid(bad[i]));
}

static void tokens_are_filled_in_as_sshd_does(void **state)
{
	static const struct {
		const char *command, *words;
	} cases[] = {
		{ "/bin/a", "/bin/a|root" },
		{ "/bin/a %u %f", "/bin/a|root|SHA256:abc" },
		{ "/bin/a %t=%k %% \"%u x\"", "/bin/a|ssh-ed25519=AAAA|%|root x" },
		{ "/bin/a %h/%U", "/bin/a|/root/0" },
	};
	const struct login_attempt without = { .user = "root", .passed_fingerprint = "SHA256:abc" };
	const struct login_attempt nobody = { .user = "no such user", .passed_fingerprint = "x" };
	char text[256], why[128];
	struct words words;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(next_command_expand(cases[i].command, &query, &words, why, sizeof why));
		assert_string_equal(joined(&words, text), cases[i].words);
		assert_null(words.at[words.count]);
	}
	assert_false(next_command_expand("/bin/a %k", &without, &words, why, sizeof why));
	assert_non_null(strstr(why, "%k"));
	assert_false(next_command_expand("/bin/a %h", &nobody, &words, why, sizeof why));
}

static void what_does_not_fit_is_refused_whole(void **state)
{
	char *long_key = calloc(1, WORDS_BYTES_MAX + 1), why[128];
	struct login_attempt with_long = query;
	struct words words;

	(void)state;
	with_long.key = long_key;
	for (size_t length = WORDS_BYTES_MAX - 16; length < WORDS_BYTES_MAX; length++) {
		memset(long_key, 'A', length);
		/* "/bin/a" and its NUL are 7 bytes, the key needs one more than its own. */
		assert_int_equal(
			next_command_expand("/bin/a %k", &with_long, &words, why, sizeof why),
			length + 8 <= WORDS_BYTES_MAX);
	}
	free(long_key);
}

/* A script of root's own, which mint_directory's place in /tmp is not */
static void run_script(const char *script, unsigned int timeout_ms, struct run_output *output,
		       int *status)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };

	*status = run_for_output(argv, output, RUN_ERRORS_KEPT, timeout_ms);
}

static void a_program_is_bounded_in_bytes_and_in_time(void **state)
{
	char text[16];
	struct run_output output = { .text = text, .size = sizeof text };
	const char *const missing[] = { "/nonexistent/program", NULL };
	int status;

	(void)state;
	run_script("echo hello; echo error >&2; exit 3", 10000, &output, &status);
	assert_int_equal(status, 3);
	assert_string_equal(text, "hello\n");
	assert_false(output.cut);
	run_script("printf 123456789012345; exit 0", 10000, &output, &status);
	assert_int_equal(output.length, 15);
	assert_false(output.cut);
	run_script("printf 1234567890123456", 10000, &output, &status);
	assert_int_equal(status, 0);
	assert_true(output.cut);
	/* It says nothing more and does not end; a child of it holds the pipe. */
	run_script("exec >&-; sleep 60", 100, &output, &status);
	assert_int_equal(status, RUN_TOO_LONG);
	run_script("sleep 60 & exit 0", 100, &output, &status);
	assert_int_equal(status, RUN_TOO_LONG);
	run_script("kill -TERM $$", 10000, &output, &status);
	assert_int_equal(status, 128 + 15);
	assert_int_equal(run_for_output(missing, &output, RUN_ERRORS_DROPPED, 1000), RUN_FAILED);
	assert_int_equal(errno, ENOENT);
}

/* Run it, for `milliseconds` at most. */
static enum next_command_state run_next(const char *command, int64_t milliseconds,
					struct next_command *next)
{
	next_command_start(command, &query, next);
	return next_command_wait(next, clock_monotonic_ms() + milliseconds);
}

static void what_a_failed_command_printed_does_not_count(void **state)
{
	struct next_command next;
	size_t length;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(run_next("/bin/echo %u", 10000, &next), NEXT_COMMAND_KEYS);
	assert_string_equal(next_command_keys(&next, &length), "root\n");
	assert_int_equal(length, 5);
	next_command_free(&next);
	assert_int_equal(run_next("/bin/sh -c 'echo %u; exit 1'", 10000, &next),
			 NEXT_COMMAND_FAILED);
	assert_non_null(strstr(next.why, "status 1"));
	next_command_free(&next);
	assert_int_equal(run_next("/bin/sh -c 'head -c 2000000 /dev/zero'", 10000, &next),
			 NEXT_COMMAND_FAILED);
	assert_non_null(strstr(next.why, "more than"));
	next_command_free(&next);
}

static void a_command_that_is_late_is_waited_for_and_its_keys_count(void **state)
{
	struct next_command next;
	size_t length;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(run_next("/bin/sh -c 'echo %u; sleep 1; echo on'", 1, &next),
			 NEXT_COMMAND_LATE);
	assert_int_equal(next_command_wait(&next, INT64_MAX), NEXT_COMMAND_KEYS);
	assert_string_equal(next_command_keys(&next, &length), "root\non\n");
	next_command_free(&next);
	/* One that would never end is ended with what it has started. */
	assert_int_equal(run_next("/bin/sh -c 'echo %u; sleep 1000 & sleep 1000'", 1, &next),
			 NEXT_COMMAND_LATE);
	next_command_free(&next);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_command_names_a_key_only_as_a_whole_word(void **state)
{
	static const char *const named[] = { "ssh-ed25519 AAAB", "restrict,pty ssh-ed25519 AAAB me",
					     "# x\n\tssh-ed25519\tAAAB\r\n", "AAABC AAAB" };
	static const char *const others[] = { "",
					      "ssh-ed25519 AAABC",
					      "ssh-ed25519 CAAAB",
					      "from=\"AAAB\" ssh-ed25519 AAAC",
					      "# AAAB",
					      "x\n \t# ssh-ed25519 AAAB\n" };
	struct next_command next = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
		next.output.text = strdup(named[i]);
		assert_true(next_command_names(&next, "AAAB"));
		assert_false(next_command_names(&next, NULL));
		next_command_free(&next);
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		next.output.text = strdup(others[i]);
		assert_false(next_command_names(&next, "AAAB"));
		next_command_free(&next);
	}
}

static void a_command_that_others_may_change_is_not_run(void **state)
{
	char *directory = mint_directory();
	char command[4096], place[ROOT_ONLY_PATH_SIZE];
	struct next_command next;

	(void)state;
	mint_write_text(directory, "command", "#!/bin/sh\necho key\n");
	snprintf(command, sizeof command, "%s/command", directory);
	chmod(command, 0755);
	/* /tmp is everybody's. */
	assert_false(root_only(command, place));
	assert_int_equal(errno, 0);
	assert_int_equal(run_next(command, 1000, &next), NEXT_COMMAND_FAILED);
	assert_non_null(strstr(next.why, "other than root"));
	next_command_free(&next);
	mint_remove(directory);
	assert_true(root_only("/bin/sh", place));
	assert_true(root_only("/", place));
	assert_false(root_only("/nonexistent/x", place));
	assert_int_equal(errno, ENOENT);
}

/* "UNIT FILES" -> what systemd would start, with bars between the words */
static void a_unit_says_how_it_starts_its_program(void **state)
{
	static const struct {
		const char *text, *exec_start, *words;
	} cases[] = {
		{ "[Service]\nExecStart=/usr/sbin/sshd -D\n", "/usr/sbin/sshd -D",
		  "/usr/sbin/sshd|-D" },
		/* A drop-in replaces it, comments and other settings do not. */
		{ "ExecStart=/a\n# ExecStart=/b\n;ExecStart=/b\nExecStartPre=/c\nExecStart =\n"
		  "ExecStart = /d -o \"A b %%u\"\n",
		  "/d -o \"A b %%u\"", "/d|-o|A b %u" },
		{ "ExecStart=/a -x \\\n  -y\n", "/a -x     -y", "/a|-x|-y" },
		{ "Environment=\"X=1 2\" Y=3\nExecStart=/a $X ${X} -p${Y} $NONE $$X a$Y\n",
		  "/a $X ${X} -p${Y} $NONE $$X a$Y", "/a|1|2|1 2|-p3|$X|a$Y" },
	};
	struct unit_command command;
	char text[1024], all[256];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(text, sizeof text, "%s", cases[i].text);
		assert_true(unit_parse(text, &command));
		assert_string_equal(command.text, cases[i].exec_start);
		assert_string_equal(joined(&command.words, all), cases[i].words);
	}
	snprintf(text, sizeof text, "ExecStart=/a\nExecStart=\n");
	assert_false(unit_parse(text, &command));
	snprintf(text, sizeof text, "ExecStart=/a \"b\n");
	assert_false(unit_parse(text, &command));
}

static void variables_of_a_unit_come_from_its_files(void **state)
{
	char *directory = mint_directory();
	struct unit_command command;
	char text[4096], all[256];

	(void)state;
	mint_write_text(directory, "one", "# comment\nOPTIONS=\"-o A=b -4\"\nOTHER=x\n");
	mint_write_text(directory, "two", "OTHER='y z'\nOTHER=w\n");
	snprintf(text, sizeof text,
		 "Environment=OPTIONS=-6\nEnvironmentFile=-%s/one\nEnvironmentFile=-%s/missing\n"
		 "EnvironmentFile=%s/two\nExecStart=/usr/sbin/sshd -D $OPTIONS $OTHER\n",
		 directory, directory, directory);
	assert_true(unit_parse(text, &command));
	assert_string_equal(joined(&command.words, all), "/usr/sbin/sshd|-D|-o|A=b|-4|w");
	mint_remove(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_split_as_sshd_splits_it),
		cmocka_unit_test(a_line_that_does_not_end_or_fit_is_refused),
		cmocka_unit_test(a_next_command_is_a_path_with_tokens_that_are_known),
		cmocka_unit_test(tokens_are_filled_in_as_sshd_does),
		cmocka_unit_test(what_does_not_fit_is_refused_whole),
		cmocka_unit_test(a_program_is_bounded_in_bytes_and_in_time),
		cmocka_unit_test(what_a_failed_command_printed_does_not_count),
		cmocka_unit_test(a_command_that_is_late_is_waited_for_and_its_keys_count),
		cmocka_unit_test(a_command_names_a_key_only_as_a_whole_word),
		cmocka_unit_test(a_unit_says_how_it_starts_its_program),
		cmocka_unit_test(variables_of_a_unit_come_from_its_files),
		cmocka_unit_test(a_command_that_others_may_change_is_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
