/* SPDX-License-Identifier: Apache-2.0 */
/* The control plane's Ed25519 key, and the JWS that it signs (RFC 7515, RFC 8037). */
#ifndef EXC_CONNECTD_STORE_SIGNING_KEY_H
#define EXC_CONNECTD_STORE_SIGNING_KEY_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/digest.h"

struct signing_key {
	EVP_PKEY *key;
	char kid[DIGEST_HEX_SIZE]; /* SHA-256 of the DER SubjectPublicKeyInfo, as used in trust.d */
};

/* Make a key and write it to `path` (PEM, by owned_file_create()), unless it exists. False, with
 * the reason in `error` (of `size` bytes). */
bool signing_key_create(const char *path, char *error, size_t size);

/* Read the key. False as above, and when others than its owner can read the file. */
bool signing_key_load(struct signing_key *key, const char *path, char *error, size_t size);

void signing_key_free(struct signing_key *key);

/* The public half as PEM, for a guest's trust directory. The caller frees. NULL: no memory. */
char *signing_key_public_pem(const struct signing_key *key);

/* Sign `payload`, a JSON text, as a compact JWS with this typ. The caller frees. NULL: no memory.
 */
char *signing_key_sign(const struct signing_key *key, const char *typ, const char *payload);

#endif
