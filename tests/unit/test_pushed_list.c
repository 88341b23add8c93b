/* SPDX-License-Identifier: Apache-2.0 */
/* The list of pushed keys of EC2 is cut into blocks, and each is read or has a reason not to be. */
#include "unit.h"

#include "ec2/pushed_list.h"
#include "ec2/lines.h"
#include "ec2/staple_text.h"

#define KEY                                                                                        \
	"ssh-ed25519 "                                                                             \
	"AAAAC3NzaC1lZDI1NTE5AAAAIPeTxtZPc3Hs8RvJX1DvK516KjLwfqaYwA/+MHNV4y5i"
#define TIME "#Timestamp=1700000060\n"
#define INSTANCE "#Instance=i-0123456789abcdef0\n"

static struct blocks list(const char *text)
{
	return (struct blocks){ .at = text, .left = strlen(text) };
}

/* The one block of this text. */
static struct block only(const char *text)
{
	struct blocks blocks = list(text);
	struct block block, none;

	assert_true(blocks_next(&blocks, &block));
	assert_false(blocks_next(&blocks, &none));
	return block;
}

static void a_block_is_read_with_all_that_it_says(void **state)
{
	static const char text[] = "\n\n" TIME "#Other=x\n" INSTANCE
				   "#Caller=arn:aws:iam::1:user/ana\n#Request=r-1\n" KEY
				   " a comment\nQUJD\nREVG\n\n\n";
	struct block block = only(text);

	(void)state;
	assert_verdict(block.verdict, GRANT_OK);
	assert_int_equal(block.expires, 1700000060);
	assert_string_equal(block.instance, "i-0123456789abcdef0");
	assert_string_equal(block.caller, "arn:aws:iam::1:user/ana");
	assert_string_equal(block.request_id, "r-1");
	assert_string_equal(block.key.type, "ssh-ed25519");
	assert_int_equal(strlen(block.fingerprint), FINGERPRINT_SIZE - 1);
	assert_ptr_equal(block.signed_text, text + 2);
	assert_memory_equal(block.signed_text + block.signed_length - 11, " a comment\n", 11);
	assert_int_equal(block.signature_length, 10);
	assert_memory_equal(block.signature, "QUJD\nREVG\n", 10);
}

static void the_last_line_need_not_end(void **state)
{
	struct block block = only(TIME INSTANCE KEY "\nQUJD");

	(void)state;
	assert_verdict(block.verdict, GRANT_OK);
	assert_int_equal(block.signature_length, 4);
	block = only(TIME INSTANCE KEY);
	assert_verdict(block.verdict, GRANT_OK);
	assert_int_equal(block.signature_length, 0);
}

static void an_empty_list_has_no_block(void **state)
{
	static const char *const texts[] = { "", "\n", "\n\n\n" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct blocks blocks = list(texts[i]);
		struct block block;

		assert_false(blocks_next(&blocks, &block));
	}
}

static void what_cannot_be_read_has_a_reason(void **state)
{
	static const struct {
		const char *text;
		enum grant_verdict verdict;
	} cases[] = {
		{ TIME TIME INSTANCE KEY "\nQUJD\n", GRANT_DUPLICATE_MEMBER },
		{ TIME INSTANCE INSTANCE KEY "\nQUJD\n", GRANT_DUPLICATE_MEMBER },
		{ TIME KEY "\nQUJD\n", GRANT_BAD_CLAIM },
		{ INSTANCE KEY "\nQUJD\n", GRANT_BAD_CLAIM },
		{ KEY "\nQUJD\n", GRANT_BAD_CLAIM },
		{ "#Timestamp=\n" INSTANCE KEY "\nQUJD\n", GRANT_BAD_CLAIM },
		{ "#Timestamp=17e8\n" INSTANCE KEY "\nQUJD\n", GRANT_BAD_CLAIM },
		{ "#Timestamp=-1\n" INSTANCE KEY "\nQUJD\n", GRANT_BAD_CLAIM },
		{ "#Timestamp=1234567890123\n" INSTANCE KEY "\nQUJD\n", GRANT_BAD_CLAIM },
		{ TIME "#Instance=\n" KEY "\nQUJD\n", GRANT_BAD_CLAIM },
		{ TIME "#Instance=i-\t0\n" KEY "\nQUJD\n", GRANT_BAD_CLAIM },
		{ "#timestamp=1\n" INSTANCE KEY "\nQUJD\n", GRANT_BAD_CLAIM },
		{ " " TIME INSTANCE KEY "\nQUJD\n", GRANT_BAD_SSH_KEY },
		{ TIME INSTANCE, GRANT_BAD_SSH_KEY },
		{ TIME INSTANCE "ssh-ed25519\nQUJD\n", GRANT_BAD_SSH_KEY },
		{ TIME INSTANCE "ssh-ed25519  AAAA\nQUJD\n", GRANT_BAD_SSH_KEY },
		{ TIME INSTANCE "no-pty " KEY "\nQUJD\n", GRANT_KEY_TYPE_NOT_ALLOWED },
		{ TIME INSTANCE "command=\"id\" " KEY "\nQUJD\n", GRANT_BAD_SSH_KEY },
		{ TIME "#x\r\n" INSTANCE KEY "\nQUJD\n", GRANT_BAD_ENCODING },
		{ TIME INSTANCE "ssh-ed25519\r AAAA\nQUJD\n", GRANT_BAD_ENCODING },
		{ TIME INSTANCE KEY "\nQUJD\r\n", GRANT_BAD_ENCODING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct block block = only(cases[i].text);

		if (block.verdict != cases[i].verdict)
			print_error("case %zu: %s", i, cases[i].text);
		assert_verdict(block.verdict, cases[i].verdict);
	}
}

static void what_is_not_printable_or_too_long_is_left_out(void **state)
{
	char text[1024], caller[GRANT_CALLER_SIZE + 1];
	struct block block = only(TIME INSTANCE "#Caller=a\tb\n#Request=\xc3\xa4\n" KEY "\nQUJD\n");

	(void)state;
	assert_verdict(block.verdict, GRANT_OK);
	assert_string_equal(block.caller, "");
	assert_string_equal(block.request_id, "");
	memset(caller, 'a', sizeof caller);
	caller[GRANT_CALLER_SIZE - 1] = '\0';
	snprintf(text, sizeof text, TIME INSTANCE "#Caller=%s\n" KEY "\nQUJD\n", caller);
	block = only(text);
	assert_string_equal(block.caller, caller);
	snprintf(text, sizeof text, TIME INSTANCE "#Caller=%sa\n" KEY "\nQUJD\n", caller);
	block = only(text);
	assert_string_equal(block.caller, "");
	/* Of several, the first. */
	block = only(TIME INSTANCE "#Caller=ana\n#Caller=bo\n" KEY "\nQUJD\n");
	assert_verdict(block.verdict, GRANT_OK);
	assert_string_equal(block.caller, "ana");
}

/* A block with `lines` lines, one of which has `length` bytes. */
static char *long_block(size_t lines, size_t length)
{
	char *text = calloc(1, 3 * lines + length + 1024);
	char *at = text;

	assert_non_null(text);
	*at++ = '#';
	memset(at, 'x', length - 1);
	at += length - 1;
	for (size_t i = 4; i < lines; i++)
		at += sprintf(at, "\n#");
	strcpy(at, "\n" TIME INSTANCE KEY);
	return text;
}

static void lines_and_blocks_have_a_bound_and_what_follows_is_read(void **state)
{
	static const struct {
		size_t lines, length;
		enum grant_verdict verdict;
	} cases[] = {
		{ BLOCK_LINES_MAX, BLOCK_LINE_MAX, GRANT_OK },
		{ BLOCK_LINES_MAX + 1, 10, GRANT_BAD_ENCODING },
		{ 10, BLOCK_LINE_MAX + 1, GRANT_BAD_ENCODING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *text = long_block(cases[i].lines, cases[i].length);
		struct blocks blocks;
		struct block block;

		strcat(text, "\n\n" TIME INSTANCE KEY "\nQUJD\n");
		blocks = list(text);
		assert_true(blocks_next(&blocks, &block));
		assert_verdict(block.verdict, cases[i].verdict);
		assert_true(blocks_next(&blocks, &block));
		assert_verdict(block.verdict, GRANT_OK);
		assert_false(blocks_next(&blocks, &block));
		free(text);
	}
}

static void so_many_blocks_are_read_and_no_more(void **state)
{
	struct blocks blocks = { 0 };
	char *text = malloc(3 * (BLOCKS_MAX + 10));
	unsigned int count = 0;
	struct block block;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < BLOCKS_MAX + 10; i++)
		memcpy(text + 3 * i, "x\n\n", 3);
	blocks = (struct blocks){ .at = text, .left = 3 * (BLOCKS_MAX + 10) };
	while (blocks_next(&blocks, &block))
		count++;
	assert_int_equal(count, BLOCKS_MAX);
	free(text);
}

static void a_nul_is_no_way_to_hide_something(void **state)
{
	static const char text[] = TIME INSTANCE "#\0\n" KEY "\nQUJD\n";
	struct blocks blocks = { .at = text, .left = sizeof text - 1 };
	struct block block;

	(void)state;
	assert_true(blocks_next(&blocks, &block));
	assert_verdict(block.verdict, GRANT_BAD_ENCODING);
}

static void lines_are_put_together_within_their_bound(void **state)
{
	uint8_t der[SIGNER_STAPLE_BYTES_MAX];
	char out[4];

	(void)state;
	assert_int_equal(lines_join("a\nb\n\nc", 6, out, sizeof out), 3);
	assert_memory_equal(out, "abc", 3);
	assert_int_equal(lines_join("abcd\n", 5, out, sizeof out), 4);
	assert_int_equal(lines_join("abc\nde", 6, out, sizeof out), -1);
	assert_int_equal(staple_decode("QU\nJD\n", 6, der), 3);
	assert_memory_equal(der, "ABC", 3);
	assert_int_equal(staple_decode("QU JD", 5, der), -1);
	assert_int_equal(staple_decode("QUJ\r\nD", 6, der), -1);
	assert_int_equal(staple_decode("", 0, der), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_read_with_all_that_it_says),
		cmocka_unit_test(the_last_line_need_not_end),
		cmocka_unit_test(an_empty_list_has_no_block),
		cmocka_unit_test(what_cannot_be_read_has_a_reason),
		cmocka_unit_test(what_is_not_printable_or_too_long_is_left_out),
		cmocka_unit_test(lines_and_blocks_have_a_bound_and_what_follows_is_read),
		cmocka_unit_test(so_many_blocks_are_read_and_no_more),
		cmocka_unit_test(a_nul_is_no_way_to_hide_something),
		cmocka_unit_test(lines_are_put_together_within_their_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
