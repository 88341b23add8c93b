/* SPDX-License-Identifier: Apache-2.0 */
/* Make an Ed25519 key pair in OpenSSH's own formats, in memory only (PROTOCOL.key). */
#ifndef EXC_BASE_SSH_KEYPAIR_H
#define EXC_BASE_SSH_KEYPAIR_H

#include <stdbool.h>

#include "base/ssh_key.h"

/* The whole file for one Ed25519 key is 399 bytes, with a comment of up to 64. */
#define KEYPAIR_PRIVATE_SIZE 768
#define KEYPAIR_SEED_BYTES 32

struct keypair {
	char public_key[SSH_KEY_TEXT_SIZE]; /* "ssh-ed25519 AAAA…" */
	char private_key[KEYPAIR_PRIVATE_SIZE]; /* what ssh -i reads, without a passphrase */
	uint8_t seed[KEYPAIR_SEED_BYTES]; /* the same secret, raw (RFC 8032 section 5.1.5) */
};

/* Fill `pair`, which the caller passes to keypair_forget() afterwards. False when OpenSSL has no
 * random numbers. */
bool keypair_make(struct keypair *pair);

/* Overwrite the secret. */
void keypair_forget(struct keypair *pair);

#endif
