/* SPDX-License-Identifier: Apache-2.0 */
/* base64 and JSON take one spelling of everything, and nothing else. */
#include "unit.h"

#include "base/base64.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/printable.h"

static void base64_decodes_what_it_encodes(void **state)
{
	uint8_t bytes[64], back[64];
	char text[BASE64_SIZE(64)];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + 251);
	for (size_t length = 0; length <= sizeof bytes; length++) {
		size_t encoded = base64_encode(bytes, length, text);

		assert_int_equal(encoded, strlen(text));
		assert_int_equal(base64_decode(text, encoded, back, sizeof back), length);
		assert_memory_equal(bytes, back, length);
		encoded = base64url_encode(bytes, length, text);
		assert_int_equal(base64url_decode(text, encoded, back, sizeof back), length);
		assert_memory_equal(bytes, back, length);
	}
}

static void base64_takes_only_the_canonical_spelling(void **state)
{
	static const char *const bad[] = {
		"A",    "AA",    "AAA",      "AB==",  "AAB=", "====",     "A===",
		"AA=A", "AAAA=", "AA AA===", "AAA\n", "AA-_", "AAAA====", "\xff\xff\xff\xff"
	};
	static const char *const bad_url[] = { "A", "AA==", "AB", "AAB", "AA+/", "AA A", "AAAAA" };
	uint8_t out[16];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(base64_decode(bad[i], strlen(bad[i]), out, sizeof out), -1);
	for (size_t i = 0; i < sizeof bad_url / sizeof bad_url[0]; i++)
		assert_int_equal(base64url_decode(bad_url[i], strlen(bad_url[i]), out, sizeof out),
				 -1);
	assert_int_equal(base64_decode("AAAA", 4, out, 2), -1);
	assert_int_equal(base64_decode("AAAA", 4, out, 3), 3);
}

static void a_fingerprint_is_spelled_as_openssh_does(void **state)
{
	char fingerprint[FINGERPRINT_SIZE], hex[DIGEST_HEX_SIZE];

	(void)state;
	assert_true(digest_fingerprint((const uint8_t *)"", 0, fingerprint));
	assert_string_equal(fingerprint, "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
	assert_true(digest_hex("", 0, hex));
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static enum json_result parse(const char *text)
{
	cJSON *object = NULL;
	enum json_result result = json_parse(text, strlen(text), &object);

	assert_true((result == JSON_OK) == (object != NULL));
	cJSON_Delete(object);
	return result;
}

static void json_takes_what_the_standard_allows(void **state)
{
	static const char *const good[] = {
		"{}",
		" { \"a\" : [ 1 , -0.5e+3 , true , false , null , { } ] } \r\n\t",
		"{\"a\":\"\\u00e9\\ud83d\\ude00\\n\\/\"}",
		"{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}",
		"{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":1}}}}}}",
		"{\"a\":{\"x\":1},\"b\":{\"x\":1}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_int_equal(parse(good[i]), JSON_OK);
}

static void json_refuses_everything_else(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"[]",
		"1",
		"\"a\"",
		"null",
		"{",
		"}",
		"{}x",
		"{}{}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{,}",
		"{\"a\":[1,]}",
		"{a:1}",
		"{'a':1}",
		"{\"a\":01}",
		"{\"a\":+1}",
		"{\"a\":.5}",
		"{\"a\":1.}",
		"{\"a\":1e}",
		"{\"a\":0x1}",
		"{\"a\":-}",
		"{\"a\":NaN}",
		"{\"a\":Infinity}",
		"{\"a\":True}",
		"{\"a\":nul}",
		"{\"a\":\"\n\"}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\\"}",
		"{\"a\":\"\\u12\"}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\udc00\"}",
		"{\"a\":\"\\ud800\\u0041\"}",
		"{\"a\":\"\xc0\x80\"}",
		"{\"a\":\"\xe0\x80\x80\"}",
		"{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":\"\xf4\x90\x80\x80\"}",
		"{\"a\":\"\xf8\x88\x80\x80\x80\"}",
		"{\"a\":\"\x80\"}",
		"{\"a\":\"\xc3\"}",
		"\xef\xbb\xbf{}",
		"{\"a\":1//\n}",
		"{\"a\":\v1}",
		"{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":1}}}}}}}}",
	};
	cJSON *object;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (parse(bad[i]) != JSON_MALFORMED)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(json_parse("{\"a\":\"\\\0\"}", 10, &object), JSON_MALFORMED);
	assert_int_equal(json_parse("{}\0", 3, &object), JSON_MALFORMED);
	assert_int_equal(parse("{\"a\":1,\"a\":1}"), JSON_DUPLICATE_MEMBER);
	assert_int_equal(parse("{\"a\":1,\"\\u0061\":1}"), JSON_DUPLICATE_MEMBER);
	assert_int_equal(parse("{\"b\":[{\"a\":1,\"a\":1}]}"), JSON_DUPLICATE_MEMBER);
	assert_int_equal(parse("{\"a\":1,\"A\":1}"), JSON_OK);
}

static void json_has_a_bound_on_the_number_of_values(void **state)
{
	char text[8192] = "{\"a\":[0";

	(void)state;
	for (int i = 3; i < JSON_VALUES_MAX; i++)
		strcat(text, ",0");
	strcat(text, "]}");
	assert_int_equal(parse(text), JSON_OK);
	strcpy(strrchr(text, ']'), ",0]}");
	assert_int_equal(parse(text), JSON_MALFORMED);
}

static void json_integers_are_exact(void **state)
{
	static const char text[] = "{\"a\":9007199254740991,\"b\":1.5,\"c\":-1,\"d\":1e300,"
				   "\"e\":\"1\",\"f\":1e3}";
	cJSON *object = NULL;
	int64_t value = -7;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &object), JSON_OK);
	assert_true(json_integer(object, "a", &value));
	assert_int_equal(value, 9007199254740991);
	assert_true(json_integer(object, "f", &value));
	assert_int_equal(value, 1000);
	assert_false(json_integer(object, "b", &value));
	assert_false(json_integer(object, "c", &value));
	assert_false(json_integer(object, "d", &value));
	assert_false(json_integer(object, "e", &value));
	assert_false(json_integer(object, "A", &value));
	cJSON_Delete(object);
}

/* What a function of printable.h prints; for the caller to free */
static char *printed(void (*put)(FILE *out, const char *text), const char *text)
{
	char *bytes = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&bytes, &length);

	assert_non_null(out);
	put(out, text);
	assert_int_equal(fclose(out), 0);
	return bytes;
}

static void assert_printed(void (*put)(FILE *out, const char *text), const char *text,
			   const char *expected)
{
	_cleanup_free_ char *bytes = printed(put, text);

	assert_string_equal(bytes, expected);
}

static void text_from_outside_is_printed_in_one_line_of_ascii(void **state)
{
	(void)state;
	assert_printed(printable_put, "a b=\"c\"", "a b=\"c\"");
	assert_printed(printable_put, "a\nb\tc\\n\r", "a\\nb\\tc\\\\n\\x0d");
	assert_printed(printable_put, "\033[2J\x7f\xc2\x9b\xff", "\\x1b[2J\\x7f\\xc2\\x9b\\xff");
	assert_printed(printable_put_word, "plain\n", "plain\\n");
	assert_printed(printable_put_word, "", "\"\"");
	assert_printed(printable_put_word, "a b", "\"a b\"");
	assert_printed(printable_put_word, "a\" event=\"x\\", "\"a\\\" event=\\\"x\\\\\"");
	assert_printed(printable_put_word,
		       "0123456789012345678901234567890123456789012345678901234567890123456 9",
		       "\"0123456789012345678901234567890123456789012345678901234567890123456 9\"");
}

static void json_from_outside_is_printed_in_ascii_and_means_the_same(void **state)
{
	(void)state;
	assert_printed(printable_put_json, "{\"a\": \"\\u001b\\n\"}\n",
		       "{\"a\": \"\\u001b\\n\"}\n");
	assert_printed(printable_put_json, "\"\x7f\xc2\x9b\xe2\x80\xae\xf0\x9f\x98\x80\"",
		       "\"\\u007f\\u009b\\u202e\\ud83d\\ude00\"");
	assert_printed(printable_put_json, "[\r\n1,\0332]", "[ \n1, 2]");
	assert_printed(printable_put_json, "\"\xff\xc2\"", "\"\\ufffd\\ufffd\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_decodes_what_it_encodes),
		cmocka_unit_test(base64_takes_only_the_canonical_spelling),
		cmocka_unit_test(a_fingerprint_is_spelled_as_openssh_does),
		cmocka_unit_test(json_takes_what_the_standard_allows),
		cmocka_unit_test(json_refuses_everything_else),
		cmocka_unit_test(json_has_a_bound_on_the_number_of_values),
		cmocka_unit_test(json_integers_are_exact),
		cmocka_unit_test(text_from_outside_is_printed_in_one_line_of_ascii),
		cmocka_unit_test(json_from_outside_is_printed_in_ascii_and_means_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
