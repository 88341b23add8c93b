/* SPDX-License-Identifier: Apache-2.0 */
/* Make an Ed25519 key pair in OpenSSH's own formats, in memory only (PROTOCOL.key). */
#include "base/ssh_keypair.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/base64.h"
#include "base/ssh_wire.h"

#define ED25519_BYTES KEYPAIR_SEED_BYTES
#define TYPE "ssh-ed25519"
#define COMMENT "one-time key"
/* The cipher "none" has blocks of eight bytes. */
#define BLOCK_BYTES 8
#define BASE64_LINE 70
/* Bytes of the whole file before base64; one key is far smaller. */
#define KEYPAIR_FILE_MAX 512

static bool generate(uint8_t seed[ED25519_BYTES], uint8_t public_key[ED25519_BYTES])
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
	size_t seed_length = ED25519_BYTES, public_length = ED25519_BYTES;
	EVP_PKEY *key = NULL;
	bool good = context != NULL && EVP_PKEY_keygen_init(context) == 1 &&
		    EVP_PKEY_keygen(context, &key) == 1 &&
		    EVP_PKEY_get_raw_private_key(key, seed, &seed_length) == 1 &&
		    EVP_PKEY_get_raw_public_key(key, public_key, &public_length) == 1;

	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(context);
	return good;
}

/* The part that a passphrase would encrypt. */
static void put_secret(struct wire_writer *buffer, const uint8_t *seed, const uint8_t *public_key,
		       uint32_t check)
{
	uint8_t both[2 * ED25519_BYTES];
	uint8_t padding = 1;

	memcpy(both, seed, ED25519_BYTES);
	memcpy(both + ED25519_BYTES, public_key, ED25519_BYTES);
	wire_put_uint32(buffer, check);
	wire_put_uint32(buffer, check);
	wire_put_string(buffer, TYPE, strlen(TYPE));
	wire_put_string(buffer, public_key, ED25519_BYTES);
	wire_put_string(buffer, both, sizeof both);
	wire_put_string(buffer, COMMENT, strlen(COMMENT));
	while (buffer->length % BLOCK_BYTES != 0)
		wire_put_byte(buffer, padding++);
	OPENSSL_cleanse(both, sizeof both);
}

/* Base64 in lines between BEGIN and END. */
static void armour(const struct wire_writer *buffer, char out[KEYPAIR_PRIVATE_SIZE])
{
	char encoded[BASE64_SIZE(KEYPAIR_FILE_MAX)];
	size_t length = base64_encode(buffer->bytes, buffer->length, encoded);
	size_t at = (size_t)sprintf(out, "-----BEGIN OPENSSH PRIVATE KEY-----\n");

	for (size_t i = 0; i < length; i += BASE64_LINE)
		at += (size_t)sprintf(out + at, "%.*s\n", BASE64_LINE, encoded + i);
	sprintf(out + at, "-----END OPENSSH PRIVATE KEY-----\n");
	OPENSSL_cleanse(encoded, sizeof encoded);
}

bool keypair_make(struct keypair *pair)
{
	struct wire_writer blob = { .length = 0 }, secret = { .length = 0 },
			   whole = { .length = 0 };
	uint8_t seed[ED25519_BYTES], public_key[ED25519_BYTES];
	uint32_t check;
	bool good;

	memset(pair, 0, sizeof *pair);
	good = generate(seed, public_key) && RAND_bytes((unsigned char *)&check, sizeof check) == 1;
	if (good) {
		wire_put_string(&blob, TYPE, strlen(TYPE));
		wire_put_string(&blob, public_key, sizeof public_key);
		put_secret(&secret, seed, public_key, check);
		wire_put_bytes(&whole, "openssh-key-v1",
			       sizeof "openssh-key-v1"); /* with its NUL */
		wire_put_string(&whole, "none", 4); /* cipher */
		wire_put_string(&whole, "none", 4); /* key derivation */
		wire_put_string(&whole, "", 0); /* its options */
		wire_put_uint32(&whole, 1); /* keys in this file */
		wire_put_string(&whole, blob.bytes, blob.length);
		wire_put_string(&whole, secret.bytes, secret.length);
		armour(&whole, pair->private_key);
		memcpy(pair->seed, seed, sizeof pair->seed);
		memcpy(pair->public_key, TYPE " ", strlen(TYPE) + 1);
		base64_encode(blob.bytes, blob.length, pair->public_key + strlen(TYPE) + 1);
	}
	OPENSSL_cleanse(seed, sizeof seed);
	OPENSSL_cleanse(&secret, sizeof secret);
	OPENSSL_cleanse(&whole, sizeof whole);
	return good;
}

void keypair_forget(struct keypair *pair)
{
	OPENSSL_cleanse(pair, sizeof *pair);
}
