/* SPDX-License-Identifier: Apache-2.0 */
/* Answer what ssh asks an agent (draft-ietf-sshm-ssh-agent): to list keys and to sign. */
#include "cli/key_agent/agent_protocol.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define TYPE "ssh-ed25519"
#define COMMENT "one-time key"
#define SIGNATURE_BYTES 64

static void list_keys(const struct key_table *table, const struct agent_peer *peer,
		      struct wire_writer *reply)
{
	const struct one_time_key *key;
	unsigned int count = 0;

	while (key_table_find(table, &peer->process, count) != NULL)
		count++;
	wire_put_byte(reply, AGENT_IDENTITIES_ANSWER);
	wire_put_uint32(reply, count);
	for (unsigned int i = 0; i < count; i++) {
		key = key_table_find(table, &peer->process, i);
		wire_put_string(reply, key->blob, sizeof key->blob);
		wire_put_string(reply, COMMENT, strlen(COMMENT));
	}
}

static bool sign(const struct one_time_key *key, const struct wire_reader *data,
		 uint8_t signature[SIGNATURE_BYTES])
{
	EVP_PKEY *secret =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->seed, sizeof key->seed);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t length = SIGNATURE_BYTES;
	bool good = secret != NULL && context != NULL &&
		    EVP_DigestSignInit(context, NULL, NULL, NULL, secret) == 1 &&
		    EVP_DigestSign(context, signature, &length, data->bytes, data->left) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(secret);
	return good;
}

static struct one_time_key *find_by_blob(const struct key_table *table, const struct owner *owner,
					 const struct wire_reader *blob)
{
	struct one_time_key *key;

	for (unsigned int i = 0; (key = key_table_find(table, owner, i)) != NULL; i++)
		if (wire_equals(blob, key->blob, sizeof key->blob))
			return key;
	return NULL;
}

static bool answer_sign(struct key_table *table, const struct agent_peer *peer, int64_t now,
			struct wire_reader *message, struct wire_writer *reply)
{
	struct wire_writer inner = { .length = 0 };
	uint8_t signature[SIGNATURE_BYTES];
	struct wire_reader blob, data;
	struct one_time_key *key;
	uint32_t flags;
	bool good;

	/* The flags are only for RSA's hashes. */
	if (!wire_get_string(message, &blob) || !wire_get_string(message, &data) ||
	    !wire_get_uint32(message, &flags) || message->left != 0)
		return false;
	key = find_by_blob(table, &peer->process, &blob);
	if (key == NULL)
		return false;
	good = now < key->expires && sign(key, &data, signature);
	key_table_forget(key);
	if (!good)
		return false;
	wire_put_string(&inner, TYPE, strlen(TYPE));
	wire_put_string(&inner, signature, sizeof signature);
	wire_put_byte(reply, AGENT_SIGN_RESPONSE);
	wire_put_string(reply, inner.bytes, inner.length);
	return true;
}

static bool take_key(struct key_table *table, const struct agent_peer *peer, int64_t now,
		     struct wire_reader *message)
{
	struct one_time_key key = { .owner = peer->parent };
	struct wire_reader name, blob, seed;
	uint32_t lifetime;
	bool good;

	if (!wire_get_string(message, &name) ||
	    !wire_equals(&name, AGENT_EXTENSION_KEY, strlen(AGENT_EXTENSION_KEY)) ||
	    !wire_get_string(message, &blob) || blob.left != sizeof key.blob ||
	    !wire_get_string(message, &seed) || seed.left != sizeof key.seed ||
	    !wire_get_uint32(message, &lifetime) || lifetime > AGENT_LIFETIME_MAX ||
	    message->left != 0 || peer->parent.pid <= 0)
		return false;
	memcpy(key.blob, blob.bytes, blob.left);
	memcpy(key.seed, seed.bytes, seed.left);
	key.expires = now + lifetime;
	good = key_table_add(table, &key);
	OPENSSL_cleanse(&key, sizeof key);
	return good;
}

void agent_answer(struct key_table *table, const struct agent_peer *peer, int64_t now,
		  const uint8_t *message, size_t length, struct wire_writer *reply)
{
	struct wire_reader reader = { .bytes = message, .left = length };
	uint8_t type = 0;

	reply->length = 0;
	reply->full = false;
	wire_get_byte(&reader, &type);
	if (type == AGENT_REQUEST_IDENTITIES && reader.left == 0)
		list_keys(table, peer, reply);
	else if (type == AGENT_EXTENSION && take_key(table, peer, now, &reader))
		wire_put_byte(reply, AGENT_SUCCESS);
	else if (type != AGENT_SIGN_REQUEST || !answer_sign(table, peer, now, &reader, reply))
		wire_put_byte(reply, AGENT_FAILURE);
}
