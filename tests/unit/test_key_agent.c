/* SPDX-License-Identifier: Apache-2.0 */
/* The agent of exc: what it tells whom, byte by byte. */
#include "unit.h"

#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/process.h"
#include "cli/key_agent/agent_protocol.h"

#define NOW 1000
#define LIFETIME 60

static const uint8_t seed[KEY_SEED_BYTES] = { 1, 2, 3 };
static struct key_table table;
static struct wire_writer reply;

/* An ssh that is this test, whose ProxyCommand says that it is its child */
static struct agent_peer ssh_peer(void)
{
	struct process process;
	struct agent_peer peer = { 0 };

	assert_true(process_read(getpid(), &process));
	peer.process = (struct owner){ .pid = process.pid, .start = process.start };
	return peer;
}

static struct agent_peer tunnel_peer(void)
{
	struct agent_peer peer = { 0 };

	peer.process = (struct owner){ .pid = 1, .start = 1 };
	peer.parent = ssh_peer().process;
	return peer;
}

static void make_blob(uint8_t blob[KEY_BLOB_BYTES], uint8_t first)
{
	struct wire_writer writer = { .length = 0 };
	uint8_t key[32] = { first };

	wire_put_string(&writer, "ssh-ed25519", 11);
	wire_put_string(&writer, key, sizeof key);
	assert_int_equal(writer.length, KEY_BLOB_BYTES);
	memcpy(blob, writer.bytes, KEY_BLOB_BYTES);
}

static void ask(const struct agent_peer *peer, int64_t now, const struct wire_writer *message)
{
	agent_answer(&table, peer, now, message->bytes, message->length, &reply);
}

static uint8_t hand_over(const struct agent_peer *peer, uint8_t first, uint32_t lifetime)
{
	struct wire_writer message = { .length = 0 };
	uint8_t blob[KEY_BLOB_BYTES];

	make_blob(blob, first);
	wire_put_byte(&message, AGENT_EXTENSION);
	wire_put_string(&message, AGENT_EXTENSION_KEY, strlen(AGENT_EXTENSION_KEY));
	wire_put_string(&message, blob, sizeof blob);
	wire_put_string(&message, seed, sizeof seed);
	wire_put_uint32(&message, lifetime);
	ask(peer, NOW, &message);
	return reply.bytes[0];
}

/* How many keys the peer is told of */
static uint32_t count_keys(const struct agent_peer *peer)
{
	struct wire_writer message = { .length = 0 };
	struct wire_reader reader;
	uint32_t count;
	uint8_t type;

	wire_put_byte(&message, AGENT_REQUEST_IDENTITIES);
	ask(peer, NOW, &message);
	reader = (struct wire_reader){ .bytes = reply.bytes, .left = reply.length };
	assert_true(wire_get_byte(&reader, &type) && type == AGENT_IDENTITIES_ANSWER);
	assert_true(wire_get_uint32(&reader, &count));
	return count;
}

static uint8_t ask_to_sign(const struct agent_peer *peer, uint8_t first, int64_t now)
{
	struct wire_writer message = { .length = 0 };
	uint8_t blob[KEY_BLOB_BYTES];

	make_blob(blob, first);
	wire_put_byte(&message, AGENT_SIGN_REQUEST);
	wire_put_string(&message, blob, sizeof blob);
	wire_put_string(&message, "data", 4);
	wire_put_uint32(&message, 0);
	ask(peer, now, &message);
	return reply.bytes[0];
}

static int set_up(void **state)
{
	(void)state;
	return key_table_make(&table) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	key_table_free(&table);
	return 0;
}

static void a_key_is_for_the_parent_of_who_brought_it(void **state)
{
	struct agent_peer ssh = ssh_peer(), tunnel = tunnel_peer(), other = ssh;

	(void)state;
	assert_int_equal(count_keys(&ssh), 0);
	assert_int_equal(hand_over(&tunnel, 7, LIFETIME), AGENT_SUCCESS);
	assert_int_equal(count_keys(&ssh), 1);
	assert_int_equal(count_keys(&tunnel), 0);
	other.process.start++;
	assert_int_equal(count_keys(&other), 0);
	assert_int_equal(ask_to_sign(&other, 7, NOW), AGENT_FAILURE);
	assert_int_equal(count_keys(&ssh), 1);
}

static void a_key_signs_once_and_the_signature_is_good(void **state)
{
	struct agent_peer ssh = ssh_peer(), tunnel = tunnel_peer();
	struct wire_reader reader, signature, type, raw;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t byte;

	(void)state;
	assert_int_equal(hand_over(&tunnel, 7, LIFETIME), AGENT_SUCCESS);
	assert_int_equal(ask_to_sign(&ssh, 7, NOW), AGENT_SIGN_RESPONSE);
	reader = (struct wire_reader){ .bytes = reply.bytes, .left = reply.length };
	assert_true(wire_get_byte(&reader, &byte) && wire_get_string(&reader, &signature));
	assert_int_equal(reader.left, 0);
	assert_true(wire_get_string(&signature, &type) && wire_get_string(&signature, &raw));
	assert_true(wire_equals(&type, "ssh-ed25519", 11));
	assert_int_equal(EVP_DigestVerifyInit(context, NULL, NULL, NULL, key), 1);
	assert_int_equal(EVP_DigestVerify(context, raw.bytes, raw.left, (const uint8_t *)"data", 4),
			 1);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	assert_int_equal(count_keys(&ssh), 0);
	assert_int_equal(ask_to_sign(&ssh, 7, NOW), AGENT_FAILURE);
}

static void only_the_named_key_signs(void **state)
{
	struct agent_peer ssh = ssh_peer(), tunnel = tunnel_peer();

	(void)state;
	assert_int_equal(hand_over(&tunnel, 7, LIFETIME), AGENT_SUCCESS);
	assert_int_equal(hand_over(&tunnel, 8, LIFETIME), AGENT_SUCCESS);
	assert_int_equal(ask_to_sign(&ssh, 9, NOW), AGENT_FAILURE);
	assert_int_equal(count_keys(&ssh), 2);
	assert_int_equal(ask_to_sign(&ssh, 8, NOW), AGENT_SIGN_RESPONSE);
	assert_int_equal(count_keys(&ssh), 1);
}

static void a_key_that_expired_does_not_sign(void **state)
{
	struct agent_peer ssh = ssh_peer(), tunnel = tunnel_peer();

	(void)state;
	assert_int_equal(hand_over(&tunnel, 7, LIFETIME), AGENT_SUCCESS);
	assert_int_equal(key_table_sweep(&table, NOW + LIFETIME - 1), 1);
	assert_int_equal(ask_to_sign(&ssh, 7, NOW + LIFETIME), AGENT_FAILURE);
	assert_int_equal(hand_over(&tunnel, 7, LIFETIME), AGENT_SUCCESS);
	assert_int_equal(key_table_sweep(&table, NOW + LIFETIME), 0);
	assert_int_equal(hand_over(&tunnel, 7, AGENT_LIFETIME_MAX + 1), AGENT_FAILURE);
}

static void keys_of_a_process_that_ended_are_forgotten(void **state)
{
	struct agent_peer tunnel = tunnel_peer();
	struct process process;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		pause();
		_exit(0);
	}
	assert_true(process_read(child, &process));
	tunnel.parent = (struct owner){ .pid = child, .start = process.start };
	assert_int_equal(hand_over(&tunnel, 7, LIFETIME), AGENT_SUCCESS);
	assert_int_equal(key_table_sweep(&table, NOW), 1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(key_table_sweep(&table, NOW), 0);
}

static void there_is_room_for_so_many_keys_and_no_more(void **state)
{
	struct agent_peer tunnel = tunnel_peer();

	(void)state;
	for (unsigned int i = 0; i < KEY_TABLE_KEYS_MAX; i++)
		assert_int_equal(hand_over(&tunnel, (uint8_t)i, LIFETIME), AGENT_SUCCESS);
	assert_int_equal(hand_over(&tunnel, 1, LIFETIME), AGENT_FAILURE);
}

/* Every beginning of a message, and the message with a byte too many */
static void messages_that_are_cut_are_refused(void **state)
{
	struct agent_peer ssh = ssh_peer(), tunnel = tunnel_peer();
	struct wire_writer message = { .length = 0 };
	uint8_t blob[KEY_BLOB_BYTES];
	size_t whole;

	(void)state;
	make_blob(blob, 7);
	assert_int_equal(hand_over(&tunnel, 7, LIFETIME), AGENT_SUCCESS);
	wire_put_byte(&message, AGENT_SIGN_REQUEST);
	wire_put_string(&message, blob, sizeof blob);
	wire_put_string(&message, "data", 4);
	wire_put_uint32(&message, 0);
	whole = message.length;
	for (message.length = 0; message.length < whole; message.length++) {
		ask(&ssh, NOW, &message);
		assert_int_equal(reply.length, 1);
		assert_int_equal(reply.bytes[0], AGENT_FAILURE);
	}
	message.length = whole;
	wire_put_byte(&message, 0);
	ask(&ssh, NOW, &message);
	assert_int_equal(reply.bytes[0], AGENT_FAILURE);
	assert_int_equal(count_keys(&ssh), 1);
}

static void what_an_agent_can_otherwise_do_is_refused(void **state)
{
	struct agent_peer ssh = ssh_peer();

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		struct wire_writer message = { .length = 0 };

		if (type == AGENT_REQUEST_IDENTITIES)
			continue;
		wire_put_byte(&message, (uint8_t)type);
		wire_put_string(&message, "session-bind@openssh.com", 24);
		ask(&ssh, NOW, &message);
		assert_int_equal(reply.length, 1);
		assert_int_equal(reply.bytes[0], AGENT_FAILURE);
	}
}

static void lengths_beyond_the_end_are_not_believed(void **state)
{
	static const uint8_t bytes[] = { 0xff, 0xff, 0xff, 0xff, 'x' };
	struct wire_reader reader = { .bytes = bytes, .left = sizeof bytes }, value;

	(void)state;
	assert_false(wire_get_string(&reader, &value));
	reader = (struct wire_reader){ .bytes = bytes, .left = 3 };
	assert_false(wire_get_string(&reader, &value));
}

static void what_does_not_fit_is_seen(void **state)
{
	static const uint8_t bytes[WIRE_BYTES_MAX] = { 0 };
	struct wire_writer writer = { .length = 0 };

	(void)state;
	wire_put_string(&writer, bytes, sizeof bytes - 4);
	assert_false(writer.full);
	assert_int_equal(writer.length, WIRE_BYTES_MAX);
	wire_put_byte(&writer, 0);
	assert_true(writer.full);
	assert_int_equal(writer.length, WIRE_BYTES_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_is_for_the_parent_of_who_brought_it),
		TEST(a_key_signs_once_and_the_signature_is_good),
		TEST(only_the_named_key_signs),
		TEST(a_key_that_expired_does_not_sign),
		TEST(keys_of_a_process_that_ended_are_forgotten),
		TEST(there_is_room_for_so_many_keys_and_no_more),
		TEST(messages_that_are_cut_are_refused),
		TEST(what_an_agent_can_otherwise_do_is_refused),
		cmocka_unit_test(lengths_beyond_the_end_are_not_believed),
		cmocka_unit_test(what_does_not_fit_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
