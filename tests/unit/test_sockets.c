/* SPDX-License-Identifier: Apache-2.0 */
/* What decides about WebSockets without one: sessions, keys in the vault, seats, origins, messages.
 */
#include "unit.h"

#include <stdbool.h>

#include "connectd/config/origin.h"
#include "connectd/state/socket_limits.h"
#include "connectd/store/connect_session.h"
#include "base/utf8.h"
#include "connectd/socket/terminal_frame.h"
#include "connectd/state/key_vault.h"
#include "mint.h"

#define NOW 1000

static void name_of(unsigned int number, char name[DIGEST_HEX_SIZE])
{
	snprintf(name, DIGEST_HEX_SIZE, "%064x", number);
}

/* A vault with two keys, of which the second ends first. Their names are printed into one and two.
 */
static void fill_vault(struct vault *vault, char one[DIGEST_HEX_SIZE], char two[DIGEST_HEX_SIZE])
{
	assert_true(vault_init(vault));
	name_of(1, one);
	name_of(2, two);
	vault_keep(vault, one, "first secret", NOW + 60);
	vault_keep(vault, two, "second secret", NOW + 10);
}

static void vault_gives_each_key_once(void **state)
{
	struct vault vault;
	char key[KEYPAIR_PRIVATE_SIZE], one[DIGEST_HEX_SIZE], two[DIGEST_HEX_SIZE];

	(void)state;
	fill_vault(&vault, one, two);
	assert_true(vault_has(&vault, one, NOW));
	assert_true(vault_take(&vault, one, NOW, key));
	assert_string_equal(key, "first secret");
	assert_false(vault_take(&vault, one, NOW, key));
	assert_false(vault_has(&vault, one, NOW));
	assert_true(vault_has(&vault, two, NOW));
	/* An empty name is that of a free place. */
	assert_false(vault_has(&vault, "", NOW));
	vault_free(&vault);
}

/* Is this text anywhere in the vault? */
static bool holds(const struct vault *vault, const char *text)
{
	return memmem(vault->entries, VAULT_MAX * sizeof *vault->entries, text, strlen(text)) !=
	       NULL;
}

static void vault_overwrites_what_is_taken_or_over(void **state)
{
	struct vault vault;
	char key[KEYPAIR_PRIVATE_SIZE], one[DIGEST_HEX_SIZE], two[DIGEST_HEX_SIZE];

	(void)state;
	fill_vault(&vault, one, two);
	assert_true(holds(&vault, "first secret") && holds(&vault, "second secret"));
	assert_false(vault_take(&vault, two, NOW + 10, key));
	vault_sweep(&vault, NOW + 10);
	assert_true(holds(&vault, "first secret"));
	assert_false(holds(&vault, "second secret"));
	assert_true(vault_take(&vault, one, NOW, key));
	assert_false(holds(&vault, "secret"));
	vault_free(&vault);
}

static void a_full_vault_forgets_what_ends_first(void **state)
{
	struct vault vault;
	char name[DIGEST_HEX_SIZE];

	(void)state;
	assert_true(vault_init(&vault));
	for (unsigned int i = 1; i <= VAULT_MAX; i++) {
		name_of(i, name);
		vault_keep(&vault, name, "key", i == 7 ? NOW + 1 : NOW + 60);
	}
	name_of(VAULT_MAX + 1, name);
	vault_keep(&vault, name, "key", NOW + 60);
	assert_true(vault_has(&vault, name, NOW));
	name_of(7, name);
	assert_false(vault_has(&vault, name, NOW));
	name_of(8, name);
	assert_true(vault_has(&vault, name, NOW));
	vault_free(&vault);
}

#define SESSION "session-1"

/* A database with one session, which ends at NOW + 60 */
static void make_session(struct store *store, const char *directory)
{
	char path[256], error[256], hash[DIGEST_HEX_SIZE];

	snprintf(path, sizeof path, "%s/connectd.db", directory);
	assert_true(store_open(store, path, true, error, sizeof error));
	assert_true(digest_hex(SESSION, strlen(SESSION), hash));
	assert_true(
		store_run(store,
			  "INSERT INTO grants(jti, vm_id, user, fingerprint, caller, request_id,"
			  " expires, jws) VALUES('j', '42', 'u', 'f', 'user:ana', 'r', ?, '')",
			  "i", (int64_t)NOW + 60));
	assert_true(store_run(store,
			      "INSERT INTO sessions(id_hash, jti, vm_id, user, expires)"
			      " VALUES(?, 'j', '42', 'u', ?)",
			      "ti", hash, (int64_t)NOW + 60));
}

/* As two replicas do, both of which have found it live */
static void a_session_is_taken_once(void **state)
{
	char *directory = mint_directory();
	struct connect_session session;
	struct store store;

	(void)state;
	make_session(&store, directory);
	assert_int_equal(session_find(&store, "session-2", NOW, &session), SESSION_UNKNOWN);
	assert_int_equal(session_find(&store, SESSION, NOW + 60, &session), SESSION_EXPIRED);
	assert_false(session_take(&store, &session, NOW + 60));
	assert_int_equal(session_find(&store, SESSION, NOW, &session), SESSION_LIVE);
	assert_string_equal(session.caller.principal, "user:ana");
	assert_string_equal(session.vm_id, "42");
	assert_true(session_take(&store, &session, NOW));
	assert_false(session_take(&store, &session, NOW));
	assert_int_equal(session_find(&store, SESSION, NOW, &session), SESSION_USED);
	store_close(&store);
	mint_remove(directory);
}

static void seats_are_counted(void **state)
{
	struct seat *seat, *kept[SEATS_PER_PRINCIPAL];
	struct seats seats;

	(void)state;
	assert_true(seats_init(&seats, SEATS_PER_PRINCIPAL + 1));
	for (int i = 0; i < SEATS_PER_PRINCIPAL; i++)
		assert_int_equal(seat_take(&seats, SOCKET_TUNNEL, "user:ana", "42", &kept[i]),
				 SEAT_TAKEN);
	assert_int_equal(seat_take(&seats, SOCKET_TUNNEL, "user:ana", "42", &seat),
			 SEAT_NONE_FOR_PRINCIPAL);
	assert_int_equal(seat_take(&seats, SOCKET_TERMINAL, "user:bo", "42", &seat), SEAT_TAKEN);
	assert_int_equal(seat_take(&seats, SOCKET_TERMINAL, "user:bo", "42", &seat), SEAT_NONE);
	seat_leave(kept[3]);
	assert_int_equal(seat_take(&seats, SOCKET_CONSOLE, "user:bo", "42", &kept[3]), SEAT_TAKEN);
	seat_leave(kept[4]);
	assert_int_equal(seat_take(&seats, SOCKET_CONSOLE, "user:cy", "42", &seat),
			 SEAT_CONSOLE_BUSY);
	assert_int_equal(seat_take(&seats, SOCKET_CONSOLE, "user:cy", "43", &seat), SEAT_TAKEN);
	seats_free(&seats);
	assert_true(seats_init(&seats, 0));
	assert_int_equal(seat_take(&seats, SOCKET_TUNNEL, "user:ana", "42", &seat), SEAT_NONE);
	seats_free(&seats);
}

static const struct {
	const char *origin, *list, *host;
	bool is_tls, is_allowed;
} origins[] = {
	{ "", "", "api.example", true, true },
	{ "https://api.example", "", "api.example", true, true },
	{ "https://API.example", "", "api.example", true, true },
	{ "https://api.example:8443", "", "api.example:8443", true, true },
	{ "https://api.example", "", "api.example:8443", true, false },
	{ "http://api.example", "", "api.example", true, false },
	{ "http://api.example", "", "api.example", false, true },
	{ "https://api.example", "", "", true, false },
	{ "https://", "", "", true, false },
	{ "null", "", "api.example", true, false },
	{ "null", "https://a.example", "null", true, false },
	{ "https://a.example", "https://a.example", "api.example", true, true },
	{ "https://b.example", "https://a.example  https://b.example", "x", true, true },
	{ "https://b.example", "https://a.example https://b.example.org", "x", true, false },
	{ "https://b.example.org", "https://b.example", "x", true, false },
	{ "https://b.example https://a.example", "https://b.example https://a.example", "x", true,
	  false },
	{ "chrome-extension://abc", "", "abc", false, false },
};

static void origins_are_compared_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
		bool got = origin_is_allowed(origins[i].origin, origins[i].list, origins[i].host,
					     origins[i].is_tls);

		if (got != origins[i].is_allowed)
			fail_msg("'%s' with list '%s' and host '%s': %d", origins[i].origin,
				 origins[i].list, origins[i].host, got);
	}
	assert_true(origins_are_valid(""));
	assert_true(origins_are_valid("https://a.example http://b:8080"));
	assert_false(origins_are_valid("a.example"));
	assert_false(origins_are_valid("https://a.example/"));
	assert_false(origins_are_valid("https://a.example *"));
	assert_false(origins_are_valid("https://"));
}

/* Read a message of one piece. */
static enum terminal_event read_whole(const char *bytes, size_t length,
				      struct terminal_input *input)
{
	struct terminal_reader reader = { 0 };

	return terminal_read(&reader, (const uint8_t *)bytes, length, true, true, input);
}

static void messages_have_a_kind(void **state)
{
	struct terminal_reader reader = { 0 };
	struct terminal_input input = { 0 };
	static const uint8_t resize[] = { TERMINAL_RESIZE, 0x01, 0x02, 0x00, 0x50 };

	(void)state;
	assert_int_equal(read_whole("\0ls\n", 4, &input), TERMINAL_BYTES);
	assert_int_equal(input.length, 3);
	assert_memory_equal(input.data, "ls\n", 3);
	assert_int_equal(read_whole("\0", 1, &input), TERMINAL_BYTES);
	assert_int_equal(input.length, 0);
	assert_int_equal(read_whole((const char *)resize, sizeof resize, &input), TERMINAL_RESIZED);
	assert_int_equal(input.columns, 0x0102);
	assert_int_equal(input.rows, 0x50);
	assert_int_equal(read_whole("", 0, &input), TERMINAL_WRONG);
	assert_int_equal(read_whole("\1\0\1\0", 4, &input), TERMINAL_WRONG);
	assert_int_equal(read_whole("\1\0\1\0\1\0", 6, &input), TERMINAL_WRONG);
	assert_int_equal(read_whole("\2\0\0\0\0", 5, &input), TERMINAL_WRONG);
	assert_int_equal(read_whole("\3", 1, &input), TERMINAL_WRONG);
	for (size_t i = 0; i < sizeof resize; i++)
		assert_int_equal(terminal_read(&reader, resize + i, 1, i == 0,
					       i == sizeof resize - 1, &input),
				 i == sizeof resize - 1 ? TERMINAL_RESIZED : TERMINAL_NOTHING);
	/* The second piece of data has no kind. */
	assert_int_equal(terminal_read(&reader, (const uint8_t *)"\0a", 2, true, false, &input),
			 TERMINAL_BYTES);
	assert_int_equal(terminal_read(&reader, (const uint8_t *)"\1b", 2, false, true, &input),
			 TERMINAL_BYTES);
	assert_int_equal(input.length, 2);
}

static void the_exit_status_is_big_endian(void **state)
{
	uint8_t bytes[TERMINAL_EXIT_BYTES];

	(void)state;
	terminal_write_exit(bytes, 0x01020304);
	assert_memory_equal(bytes, "\2\1\2\3\4", 5);
}

static const struct {
	const char *bytes;
	enum utf8_verdict verdict;
	size_t whole;
} texts[] = {
	{ "", UTF8_WHOLE, 0 },
	{ "plain", UTF8_WHOLE, 5 },
	{ "h\xc3\xa9", UTF8_WHOLE, 3 },
	{ "\xe2\x82\xac\xf0\x9f\x98\x80", UTF8_WHOLE, 7 },
	{ "h\xc3", UTF8_SPLIT, 1 },
	{ "\xe2", UTF8_SPLIT, 0 },
	{ "\xe2\x82", UTF8_SPLIT, 0 },
	{ "ab\xf0\x9f\x98", UTF8_SPLIT, 2 },
	{ "\xf4\x8f\xbf\xbf", UTF8_WHOLE, 4 },
	{ "\x80", UTF8_NOT, 0 },
	{ "\xff", UTF8_NOT, 0 },
	{ "a\xc0\x80", UTF8_NOT, 1 },
	{ "\xe0\x80\x80", UTF8_NOT, 0 }, /* longer than it need be */
	{ "\xed\xa0\x80", UTF8_NOT, 0 }, /* half of a surrogate pair */
	{ "\xf4\x90\x80\x80", UTF8_NOT, 0 }, /* beyond U+10FFFF */
	{ "\xe2\x28\xa1", UTF8_NOT, 0 },
};

static void utf8_is_told_from_what_is_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		size_t whole = 99;
		enum utf8_verdict verdict =
			utf8_check((const uint8_t *)texts[i].bytes, strlen(texts[i].bytes), &whole);

		if (verdict != texts[i].verdict || (verdict != UTF8_NOT && whole != texts[i].whole))
			fail_msg("text %zu: verdict %d, %zu whole", i, verdict, whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vault_gives_each_key_once),
		cmocka_unit_test(vault_overwrites_what_is_taken_or_over),
		cmocka_unit_test(a_full_vault_forgets_what_ends_first),
		cmocka_unit_test(a_session_is_taken_once),
		cmocka_unit_test(seats_are_counted),
		cmocka_unit_test(origins_are_compared_whole),
		cmocka_unit_test(messages_have_a_kind),
		cmocka_unit_test(the_exit_status_is_big_endian),
		cmocka_unit_test(utf8_is_told_from_what_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
