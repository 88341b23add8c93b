/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail: what was asked for, by whom, and what became of it. */
#ifndef EXC_TRAIL_H
#define EXC_TRAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "connectd/store.h"

#define TRAIL_LIMIT_DEFAULT 100
#define TRAIL_LIMIT_MAX 100000

/* Strings are borrowed and may be NULL. */
struct trail_row {
	const char *event; /* issued, refused, served, used, host_keys */
	const char *caller;
	const char *user;
	const char *vm_id;
	const char *jti;
	const char *fingerprint;
	const char *reason;
	const char *source; /* the address that the request, or the person, came from */
	const char *request_id;
};

/* Say it in one line on stderr, and store nothing: for those whom nobody knows, who must not be
 * able to fill the database. */
void trail_log(const struct trail_row *row);

/* Append a row, and say the same in one line on stderr. False when it could not be stored: what it
 * is about must then not happen. */
bool trail_append(const struct store *store, const struct trail_row *row);

/* Print the last `limit` rows on stdout, newest last, as text or as one JSON array. */
bool trail_print(const struct store *store, int64_t limit, bool json);

#endif
