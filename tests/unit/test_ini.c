/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files of NAME = VALUE lines: what is taken, and what is named as wrong. */
#include "unit.h"

#include <string.h>

#include "base/ini.h"
#include "base/number.h"

struct sample {
	char text[INI_VALUE_SIZE];
	char path[INI_VALUE_SIZE];
	unsigned int number;
	bool flag;
	unsigned int word;
};

static const char *const words[] = { "red", "green", "blue", NULL };
static const struct ini_setting settings[] = {
	{ "text", ini_text, offsetof(struct sample, text), "any text", 0, 0, NULL },
	{ "path", ini_path, offsetof(struct sample, path), "a path", 0, 0, NULL },
	{ "number", ini_number, offsetof(struct sample, number), "5 to 60", 5, 60, NULL },
	{ "flag", ini_yes_no, offsetof(struct sample, flag), "yes or no", 0, 0, NULL },
	{ "word", ini_word, offsetof(struct sample, word), NULL, 0, 0, words },
};

static int read_text(const char *text, struct sample *sample, char *why)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int line;

	assert_non_null(file);
	line = ini_read(file, settings, sizeof settings / sizeof settings[0], sample, why);
	fclose(file);
	return line;
}

static void every_kind_of_value_goes_where_it_belongs(void **state)
{
	struct sample sample = { .number = 1 };
	char why[INI_WHY_SIZE];

	(void)state;
	assert_int_equal(read_text("# a comment\n\ntext = a b\npath = /etc\nnumber = 60\n"
				   "flag = yes\nword = blue\n",
				   &sample, why),
			 0);
	assert_string_equal(why, "");
	assert_string_equal(sample.text, "a b");
	assert_string_equal(sample.path, "/etc");
	assert_int_equal(sample.number, 60);
	assert_true(sample.flag);
	assert_int_equal(sample.word, 2);
}

static void a_line_that_is_wrong_is_named_and_changes_nothing(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *why;
	} bad[] = {
		{ "text = x\nother = 1\n", 2, "unknown setting other" },
		{ "[part]\nother = x\n", 2, "unknown setting other" },
		{ "number = 7\nnumber = 7\n", 2, "number is set twice" },
		{ "path = etc\n", 1, "path = etc is not a path" },
		{ "number = 4\n", 1, "number = 4 is not 5 to 60" },
		{ "number = 61\n", 1, "number = 61 is not 5 to 60" },
		{ "number = -7\n", 1, "number = -7 is not 5 to 60" },
		{ "number = 7 \nflag = maybe\n", 2, "flag = maybe is not yes or no" },
		{ "word = yellow\n", 1, "word = yellow is not red, green or blue" },
		{ "just text\n", 1, "not NAME = VALUE" },
		{ "number = 7\n  more\n", 2, "not NAME = VALUE" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct sample sample = { .number = 1, .word = 1 };
		char why[INI_WHY_SIZE];

		assert_int_equal(read_text(bad[i].text, &sample, why), bad[i].line);
		assert_string_equal(why, bad[i].why);
		assert_true(sample.number == 1 || sample.number == 7);
		assert_false(sample.flag);
		assert_int_equal(sample.word, 1);
		assert_string_equal(sample.path, "");
	}
}

static void the_lines_behind_a_wrong_one_are_read_and_the_first_is_named(void **state)
{
	struct sample sample = { .number = 1 };
	char why[INI_WHY_SIZE];

	(void)state;
	assert_int_equal(read_text("number = x\nflag = x\ntext = read\n", &sample, why), 1);
	assert_string_equal(why, "number = x is not 5 to 60");
	assert_string_equal(sample.text, "read");
}

static void a_setting_in_a_section_counts_and_is_wrong(void **state)
{
	struct sample sample = { .number = 1 };
	char why[INI_WHY_SIZE];

	(void)state;
	assert_int_equal(read_text("[part]\ntext = x\n", &sample, why), 2);
	assert_string_equal(why, "there are no sections here, but it is in [part]");
	assert_string_equal(sample.text, "x");
}

static void a_line_may_be_indented(void **state)
{
	struct sample sample = { .number = 1 };
	char why[INI_WHY_SIZE];

	(void)state;
	assert_int_equal(read_text("text = a\n  number = 7\n\t# x\n \tflag = yes", &sample, why),
			 0);
	assert_string_equal(sample.text, "a");
	assert_int_equal(sample.number, 7);
	assert_true(sample.flag);
}

static void a_line_that_is_too_long_is_left_out_and_not_cut(void **state)
{
	static const unsigned int lengths[] = { 190, 191, 192, 193, 200, 400, 4000 };
	char text[5000], why[INI_WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		const unsigned int length = lengths[i];
		struct sample sample = { .number = 1 };
		int line;

		snprintf(text, sizeof text, "number = 7\ntext = %0*d\nflag = yes\n", (int)length,
			 0);
		line = read_text(text, &sample, why);
		assert_true(line == 0 ? strlen(sample.text) == length : sample.text[0] == '\0');
		assert_true(line == 0 || line == 2);
		if (line == 2 && length >= 200)
			assert_string_equal(why, "the line is too long");
		assert_int_equal(sample.number, 7);
		assert_true(sample.flag);
		/* A comment may be as long as it likes. */
		snprintf(text, sizeof text, "number = 7\n # %0*d\nflag = yes\n", (int)length, 0);
		assert_int_equal(read_text(text, &sample, why), 0);
	}
}

static void a_number_is_digits_within_its_bounds(void **state)
{
	static const char *const bad[] = {
		"", " 7", "7 ", "+7", "-1", "0x7", "7.", "1e1", "1000000000", "9999999999999999999"
	};
	unsigned int number = 42;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(number_parse(bad[i], 0, 999999999, &number));
	assert_false(number_parse("4", 5, 60, &number));
	assert_false(number_parse("61", 5, 60, &number));
	assert_int_equal(number, 42);
	assert_true(number_parse("999999999", 0, 999999999, &number));
	assert_int_equal(number, 999999999);
	assert_true(number_parse("007", 0, 60, &number));
	assert_int_equal(number, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_value_goes_where_it_belongs),
		cmocka_unit_test(a_line_that_is_wrong_is_named_and_changes_nothing),
		cmocka_unit_test(the_lines_behind_a_wrong_one_are_read_and_the_first_is_named),
		cmocka_unit_test(a_setting_in_a_section_counts_and_is_wrong),
		cmocka_unit_test(a_line_may_be_indented),
		cmocka_unit_test(a_line_that_is_too_long_is_left_out_and_not_cut),
		cmocka_unit_test(a_number_is_digits_within_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
