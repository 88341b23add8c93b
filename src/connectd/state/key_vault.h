/* SPDX-License-Identifier: Apache-2.0 */
/* The private halves of pairs made here, until their session opens a terminal or ends: in memory
 * that is locked, left out of core files and not inherited by children. */
#ifndef EXC_CONNECTD_STATE_KEY_VAULT_H
#define EXC_CONNECTD_STATE_KEY_VAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ssh_keypair.h"
#include "base/digest.h"

/* Keys that are kept at once; beyond that, those that expire first are dropped. */
#define VAULT_MAX 2048

struct vault_entry {
	char session[DIGEST_HEX_SIZE]; /* the hash of the session's id; empty: free */
	int64_t expires; /* seconds since 1970 */
	char private_key[KEYPAIR_PRIVATE_SIZE];
};

struct vault {
	struct vault_entry *entries; /* VAULT_MAX of them */
};

/* Start empty. False: no memory. Memory that cannot be locked is reported on stderr, and used. */
bool vault_init(struct vault *vault);

/* Overwrite everything. */
void vault_free(struct vault *vault);

/* Keep a private key for this session. */
void vault_keep(struct vault *vault, const char *session, const char *private_key, int64_t expires);

/* Is there a key? */
bool vault_has(const struct vault *vault, const char *session, int64_t now);

/* Move the key to `private_key`, for the caller to overwrite, and out of the vault. False when
 * there is none. */
bool vault_take(struct vault *vault, const char *session, int64_t now,
		char private_key[KEYPAIR_PRIVATE_SIZE]);

/* Overwrite what has expired. */
void vault_sweep(struct vault *vault, int64_t now);

#endif
