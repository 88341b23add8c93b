/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that may have to be given a second time, to a client that asks with the same
 * Idempotency-Key. */
#ifndef EXC_REPLAY_H
#define EXC_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

/* Answers that are kept; over that, the one that ends first goes. */
#define REPLAY_MAX 1024

struct replay_entry {
	char id[DIGEST_HEX_SIZE]; /* hash of principal and key; empty: free */
	char *body; /* may hold a private half: in memory only, overwritten when it goes */
	int64_t expires; /* seconds since 1970 */
};

struct replay {
	struct replay_entry *entries; /* REPLAY_MAX of them */
};

/* False: no memory. */
bool replay_init(struct replay *replay);
void replay_free(struct replay *replay);

/* Keep a copy of the answer until it expires. When there is no memory it is not kept, and a retry
 * is told so. */
void replay_keep(struct replay *replay, const char *id, const char *body, int64_t expires);

/* A copy of the answer, the caller's to overwrite and free; NULL when it is not kept any more. */
char *replay_find(struct replay *replay, const char *id, int64_t now);

/* Overwrite what has expired. */
void replay_sweep(struct replay *replay, int64_t now);

#endif
