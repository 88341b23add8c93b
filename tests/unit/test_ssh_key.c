/* SPDX-License-Identifier: Apache-2.0 */
/* SSH public keys are read down to their blob, and printed with the restrictions of their grant. */
#include "unit.h"

#include <limits.h>

#include "grant/authorized_line.h"
#include "base/base64.h"
#include "base/json.h"
#include "grant/restrict.h"
#include "base/ssh_key.h"

/* A blob under construction. */
struct blob {
	uint8_t bytes[8192];
	size_t length;
};

static void put(struct blob *blob, const void *bytes, size_t length)
{
	blob->bytes[blob->length++] = (uint8_t)(length >> 24);
	blob->bytes[blob->length++] = (uint8_t)(length >> 16);
	blob->bytes[blob->length++] = (uint8_t)(length >> 8);
	blob->bytes[blob->length++] = (uint8_t)length;
	memcpy(blob->bytes + blob->length, bytes, length);
	blob->length += length;
}

static void put_text(struct blob *blob, const char *text)
{
	put(blob, text, strlen(text));
}

/* A modulus of so many bits, as an mpint. */
static void put_modulus(struct blob *blob, size_t bits)
{
	uint8_t bytes[2200];
	size_t length = (bits + 7) / 8;

	memset(bytes, 0xa5, sizeof bytes);
	bytes[0] = 0;
	bytes[1] = (uint8_t)(1U << (bits - 1) % 8);
	if ((bytes[1] & 0x80) != 0)
		put(blob, bytes, length + 1);
	else
		put(blob, bytes + 1, length);
}

static enum grant_verdict parse(const char *type, const struct blob *blob, struct ssh_key *key)
{
	static char text[16384];
	int length = snprintf(text, sizeof text, "%s ", type);

	base64_encode(blob->bytes, blob->length, text + length);
	return grant_verdict_of_ssh_key(ssh_key_parse(text, key));
}

static struct blob ed25519_blob(const char *type)
{
	struct blob blob = { .length = 0 };
	uint8_t key[32] = { 1, 2, 3 };

	put_text(&blob, type);
	put(&blob, key, sizeof key);
	return blob;
}

static struct blob ecdsa_blob(const char *type, const char *curve, size_t point_length, int first)
{
	struct blob blob = { .length = 0 };
	uint8_t point[200] = { (uint8_t)first, 1, 2 };

	put_text(&blob, type);
	put_text(&blob, curve);
	put(&blob, point, point_length);
	return blob;
}

static struct blob rsa_blob(size_t bits, const uint8_t *exponent, size_t exponent_length)
{
	struct blob blob = { .length = 0 };

	put_text(&blob, "ssh-rsa");
	put(&blob, exponent, exponent_length);
	put_modulus(&blob, bits);
	return blob;
}

static const uint8_t f4[] = { 1, 0, 1 };

static void every_allowed_type_is_read_and_printed_as_it_came(void **state)
{
	struct blob blobs[] = {
		ed25519_blob("ssh-ed25519"),
		ecdsa_blob("ecdsa-sha2-nistp256", "nistp256", 65, 4),
		ecdsa_blob("ecdsa-sha2-nistp384", "nistp384", 97, 4),
		ecdsa_blob("ecdsa-sha2-nistp521", "nistp521", 133, 4),
		ed25519_blob("sk-ssh-ed25519@openssh.com"),
		ecdsa_blob("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", 65, 4),
		rsa_blob(2048, f4, 3),
		rsa_blob(16384, f4, 3),
	};
	static const char *const types[] = { "ssh-ed25519",
					     "ecdsa-sha2-nistp256",
					     "ecdsa-sha2-nistp384",
					     "ecdsa-sha2-nistp521",
					     "sk-ssh-ed25519@openssh.com",
					     "sk-ecdsa-sha2-nistp256@openssh.com",
					     "ssh-rsa",
					     "ssh-rsa" };

	(void)state;
	put_text(&blobs[4], "ssh:");
	put_text(&blobs[5], "ssh:");
	for (size_t i = 0; i < sizeof blobs / sizeof blobs[0]; i++) {
		char text[SSH_KEY_TEXT_SIZE], encoded[16384];
		struct ssh_key key;

		assert_verdict(parse(types[i], &blobs[i], &key), GRANT_OK);
		ssh_key_print(&key, text);
		base64_encode(blobs[i].bytes, blobs[i].length, encoded);
		assert_memory_equal(text, types[i], strlen(types[i]));
		assert_string_equal(text + strlen(types[i]) + 1, encoded);
	}
}

static void a_blob_that_is_not_what_its_name_says_is_refused(void **state)
{
	static const uint8_t even[] = { 1, 0, 0 }, one[] = { 1 }, negative[] = { 0x81 },
			     padded[] = { 0, 1, 0, 1 }, nine[] = { 1, 0, 0, 0, 0, 0, 0, 0, 1 };
	struct blob longer = ed25519_blob("ssh-ed25519");
	struct blob no_application = ed25519_blob("sk-ssh-ed25519@openssh.com");
	struct blob cut = ed25519_blob("ssh-ed25519");
	struct {
		const char *type;
		struct blob blob;
	} cases[] = {
		{ "ssh-rsa", ed25519_blob("ssh-ed25519") },
		{ "ssh-ed25519", ed25519_blob("ssh-rsa") },
		{ "ecdsa-sha2-nistp256", ecdsa_blob("ecdsa-sha2-nistp256", "nistp384", 65, 4) },
		{ "ecdsa-sha2-nistp256", ecdsa_blob("ecdsa-sha2-nistp256", "nistp256", 97, 4) },
		{ "ecdsa-sha2-nistp256", ecdsa_blob("ecdsa-sha2-nistp256", "nistp256", 65, 2) },
		{ "ecdsa-sha2-nistp256", ecdsa_blob("ecdsa-sha2-nistp256", "nistp256", 33, 3) },
		{ "ssh-rsa", rsa_blob(2048, even, 3) },
		{ "ssh-rsa", rsa_blob(2048, one, 1) },
		{ "ssh-rsa", rsa_blob(2048, negative, 1) },
		{ "ssh-rsa", rsa_blob(2048, padded, 4) },
		{ "ssh-rsa", rsa_blob(2048, nine, 9) },
		{ "ssh-rsa", rsa_blob(2048, f4, 0) },
		{ "ssh-rsa", rsa_blob(16385, f4, 3) },
		{ "ssh-ed25519", longer },
		{ "ssh-ed25519", cut },
		{ "sk-ssh-ed25519@openssh.com", no_application },
	};
	struct ssh_key key;

	(void)state;
	cases[13].blob.bytes[cases[13].blob.length++] = 0;
	cases[14].blob.length--;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (parse(cases[i].type, &cases[i].blob, &key) != GRANT_BAD_SSH_KEY)
			fail_msg("case %zu was taken", i);
}

static void a_length_that_points_outside_the_blob_is_refused(void **state)
{
	struct blob blob = ed25519_blob("ssh-ed25519");
	struct ssh_key key;

	(void)state;
	/* All lengths of the second field, and all ends of the blob */
	for (int byte = 0; byte < 4; byte++) {
		struct blob changed = blob;

		changed.bytes[4 + 11 + byte] = 0xff;
		assert_verdict(parse("ssh-ed25519", &changed, &key), GRANT_BAD_SSH_KEY);
	}
	for (size_t length = 0; length < blob.length; length++) {
		struct blob changed = blob;

		changed.length = length;
		assert_verdict(parse("ssh-ed25519", &changed, &key), GRANT_BAD_SSH_KEY);
	}
}

static void small_rsa_keys_are_weak(void **state)
{
	struct blob weak = rsa_blob(2047, f4, 3), weaker = rsa_blob(1024, f4, 3);
	struct ssh_key key;

	(void)state;
	assert_verdict(parse("ssh-rsa", &weak, &key), GRANT_WEAK_KEY);
	assert_verdict(parse("ssh-rsa", &weaker, &key), GRANT_WEAK_KEY);
}

static void types_that_cannot_be_one_time_keys_are_named_so(void **state)
{
	static const char *const types[] = { "ssh-dss", "ssh-ed25519-cert-v01@openssh.com",
					     "ssh-rsa-cert-v01@openssh.com", "ssh-ed448",
					     "rsa-sha2-256" };
	struct ssh_key key;

	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct blob blob = ed25519_blob(types[i]);

		assert_verdict(parse(types[i], &blob, &key), GRANT_KEY_TYPE_NOT_ALLOWED);
	}
	assert_int_equal(ssh_key_parse("", &key), SSH_KEY_MALFORMED);
	assert_int_equal(ssh_key_parse("ssh-ed25519", &key), SSH_KEY_MALFORMED);
	assert_int_equal(ssh_key_parse(" AAAA", &key), SSH_KEY_MALFORMED);
	assert_int_equal(ssh_key_parse("ssh-ed25519  AAAA", &key), SSH_KEY_MALFORMED);
}

/* The options that a `restrict` claim becomes; "refused" when it cannot be expressed. */
static const char *options(const char *json)
{
	static char line[AUTHORIZED_LINE_SIZE];
	struct blob blob = ed25519_blob("ssh-ed25519");
	struct restrictions restrictions;
	struct ssh_key key;
	cJSON *claim = NULL;
	enum grant_verdict verdict;
	size_t length;
	char *key_part;

	assert_int_equal(json_parse(json, strlen(json), &claim), JSON_OK);
	verdict = restrict_parse(claim, &restrictions);
	cJSON_Delete(claim);
	if (verdict != GRANT_OK) {
		assert_verdict(verdict, GRANT_UNSUPPORTED_RESTRICTION);
		return "refused";
	}
	assert_verdict(parse("ssh-ed25519", &blob, &key), GRANT_OK);
	length = authorized_line_print(&key, &restrictions, line);
	assert_int_equal(length, strlen(line));
	assert_int_equal(line[length - 1], '\n');
	key_part = strstr(line, "ssh-ed25519 AAAA");
	assert_non_null(key_part);
	*key_part = '\0';
	return line;
}

static void restrictions_become_options_of_sshd(void **state)
{
	(void)state;
	assert_string_equal(options("{}"), "");
	assert_string_equal(options("{\"pty\":true,\"port_forwarding\":true}"), "");
	assert_string_equal(options("{\"pty\":false,\"port_forwarding\":false,\"agent_forwarding\":"
				    "false,\"x11_forwarding\":false}"),
			    "restrict ");
	assert_string_equal(options("{\"port_forwarding\":false}"),
			    "restrict,pty,agent-forwarding,X11-forwarding ");
	assert_string_equal(options("{\"pty\":false,\"agent_forwarding\":false}"),
			    "restrict,port-forwarding,X11-forwarding ");
	assert_string_equal(
		options("{\"source\":[\"203.0.113.0/24\",\"192.0.2.7\",\"2001:DB8::/32\"]}"),
		"from=\"203.0.113.0/24,192.0.2.7/32,2001:db8::/32\" ");
	assert_string_equal(options("{\"command\":\"uptime -p\",\"pty\":false}"),
			    "command=\"uptime -p\",restrict,port-forwarding,agent-forwarding,"
			    "X11-forwarding ");
}

static void a_command_is_quoted_so_that_sshd_reads_it_back(void **state)
{
	(void)state;
	assert_string_equal(options("{\"command\":\"echo \\\"a b\\\" 'c' $x `y`\"}"),
			    "command=\"echo \\\"a b\\\" 'c' $x `y`\" ");
	/* A backslash before a quote: sshd keeps the first backslash and takes \" for a quote. */
	assert_string_equal(options("{\"command\":\"echo \\\\\\\"x\"}"),
			    "command=\"echo \\\\\"x\" ");
	assert_string_equal(options("{\"command\":\"a\\\\b c\"}"), "command=\"a\\b c\" ");
	assert_string_equal(options("{\"command\":\"a\\\\\"}"), "refused");
	assert_string_equal(options("{\"command\":\"\\\"\"}"), "command=\"\\\"\" ");
}

static void what_sshd_cannot_enforce_is_refused(void **state)
{
	static const char *const bad[] = {
		"{\"x\":1}",
		"{\"PTY\":false}",
		"{\"pty\":0}",
		"{\"pty\":null}",
		"{\"command\":\"\"}",
		"{\"command\":7}",
		"{\"command\":\"a\\nb\"}",
		"{\"command\":\"a\\u007fb\"}",
		"{\"source\":\"192.0.2.0/24\"}",
		"{\"source\":[7]}",
		"{\"source\":[\"\"]}",
		"{\"source\":[\"192.0.2.1/24\"]}",
		"{\"source\":[\"192.0.2.0/33\"]}",
		"{\"source\":[\"192.0.2.0/\"]}",
		"{\"source\":[\"192.0.2.0/024\"]}",
		"{\"source\":[\"192.0.2.0/-1\"]}",
		"{\"source\":[\"!192.0.2.0/24\"]}",
		"{\"source\":[\"192.0.2.*\"]}",
		"{\"source\":[\"host.example\"]}",
		"{\"source\":[\"192.0.2.0/24,0.0.0.0/0\"]}",
		"{\"source\":[\"2001:db8::1/32\"]}",
		"{\"source\":[\"192.0.2.0\\\",command=\\\"x\"]}",
		"{\"source\":[\"0300.0.2.0\"]}",
	};
	char many[1024] = "{\"source\":[\"192.0.2.1\"";

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (strcmp(options(bad[i]), "refused") != 0)
			fail_msg("taken: %s", bad[i]);
	for (int i = 0; i < RESTRICT_SOURCES_MAX; i++)
		strcat(many, ",\"192.0.2.1\"");
	strcat(many, "]}");
	assert_string_equal(options(many), "refused");
}

static void the_longest_line_fits(void **state)
{
	static struct restrictions longest = { .has_command = true,
					       .no_pty = true }; /* and three that are named */
	static char line[AUTHORIZED_LINE_SIZE];
	struct blob blob = rsa_blob(16384, f4, 3);
	struct ssh_key key;
	size_t length;

	(void)state;
	assert_verdict(parse("ssh-rsa", &blob, &key), GRANT_OK);
	longest.source_count = RESTRICT_SOURCES_MAX;
	for (size_t i = 0; i < RESTRICT_SOURCES_MAX; i++)
		memset(longest.sources[i], 'f', NETWORK_TEXT_SIZE - 1);
	memset(longest.command, '"', RESTRICT_COMMAND_SIZE - 1);
	key.blob_length = SSH_KEY_BLOB_MAX;
	length = authorized_line_print(&key, &longest, line);
	assert_true(length < AUTHORIZED_LINE_SIZE);
	assert_int_equal(length, strlen(line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allowed_type_is_read_and_printed_as_it_came),
		cmocka_unit_test(a_blob_that_is_not_what_its_name_says_is_refused),
		cmocka_unit_test(a_length_that_points_outside_the_blob_is_refused),
		cmocka_unit_test(small_rsa_keys_are_weak),
		cmocka_unit_test(types_that_cannot_be_one_time_keys_are_named_so),
		cmocka_unit_test(restrictions_become_options_of_sshd),
		cmocka_unit_test(a_command_is_quoted_so_that_sshd_reads_it_back),
		cmocka_unit_test(what_sshd_cannot_enforce_is_refused),
		cmocka_unit_test(the_longest_line_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
