/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that may have to be repeated to a client that asks again with the same Idempotency-Key.
 */
#ifndef EXC_CONNECTD_STATE_IDEMPOTENCY_H
#define EXC_CONNECTD_STATE_IDEMPOTENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

/* Answers that are kept; beyond that, the one that expires first is dropped. */
#define REPLAY_MAX 1024

struct replay_entry {
	char id[DIGEST_HEX_SIZE]; /* hash of principal and key; empty: free */
	char *body; /* may hold a private half: in memory only, overwritten before it is freed */
	int64_t expires; /* seconds since 1970 */
};

struct replay {
	struct replay_entry *entries; /* REPLAY_MAX of them */
};

/* False: no memory. */
bool replay_init(struct replay *replay);
void replay_free(struct replay *replay);

/* Keep a copy of the answer until it expires. Without memory it is not kept, and a retry is told
 * so. */
void replay_keep(struct replay *replay, const char *id, const char *body, int64_t expires);

/* A copy of the answer, for the caller to overwrite and free; NULL when it is no longer kept. */
char *replay_find(struct replay *replay, const char *id, int64_t now);

/* Overwrite what has expired. */
void replay_sweep(struct replay *replay, int64_t now);

#endif
