/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail: what was requested, by whom, who decided it, and the outcome. Rows are only ever
 * added, and each carries a hash over itself and the one before. */
#ifndef EXC_CONNECTD_STORE_AUDIT_TRAIL_H
#define EXC_CONNECTD_STORE_AUDIT_TRAIL_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "connectd/store/store.h"
#include "base/digest.h"

#define TRAIL_LIMIT_DEFAULT 100
#define TRAIL_LIMIT_MAX 100000

/* Strings are borrowed and may be NULL. */
struct trail_row {
	const char *event; /* issued, repeated, read, refused, served, used, host_keys, … */
	const char *caller; /* the principal */
	const char *user;
	const char *vm_id;
	const char *jti;
	const char *fingerprint;
	const char *reason;
	const char *source; /* the address of the request, or of the user */
	const char *request_id;
	/* Whose row it is: the caller's organisation, or the instance's for its guest and for
	 * operators */
	const char *org;
	const char *token_id;
	const char *decision; /* allowed or denied, and by which statement */
	const char *command; /* the only one that the grant allows */
	const char *allowed_source; /* networks that the grant allows, separated by commas */
	const char
		*audit_session; /* the login's number in the guest's kernel audit (auditd's ses) */
	const char *unix_user; /* who ran a command here, and for whom sudo did */
	const char *sudo_user;
	int64_t instance; /* the internal id of the one that it is about; 0: none */
	int64_t expires; /* of the grant, seconds since 1970; 0: none */
};

/* Log it in one line on stderr, and store nothing: for unknown callers, who must not be able to
 * fill the database. */
void trail_log(const struct trail_row *row);

/* Append a row, and then log the same in one line on stderr; in the open transaction, or in its
 * own. False when it could not be stored: the event must then not happen, and an open transaction
 * has to be undone. */
bool trail_append(const struct store *store, const struct trail_row *row);

/* The same without the line, for commands, whose stderr the user reads. */
bool trail_store(const struct store *store, const struct trail_row *row);

/* Which rows to show; NULL and 0 mean all. */
struct trail_query {
	const char *vm_id; /* of all instances that ever had this name */
	int64_t instance; /* in place of vm_id, and with `org`: of this one */
	const char *org;
	const char *principal;
	const char *user;
	const char *event;
	int64_t since, until; /* seconds since 1970; `until` is not among them */
	int64_t before; /* the row with this id, and all after it, are left out */
	int64_t limit; /* the last N, newest last; 0: all */
};

/* Pass each row to `take` as an object that `take` deletes, oldest first, until it returns false. A
 * row `issued` has a member `status`: live, used (with used_at and used_from) or expired. False
 * when the trail could not be read to its end. */
bool trail_read(const struct store *store, const struct trail_query *query,
		bool (*take)(void *context, cJSON *row), void *context);

/* What trail_verify() has found. */
struct trail_verdict {
	int64_t rows; /* that were checked */
	int64_t before; /* of them, older than the hashes */
	int64_t wrong; /* the first row changed, or without its predecessor; 0: none */
	bool cut; /* rows were removed at the end */
	bool has_head; /* the hash that was asked for is one of the trail's */
	char head[DIGEST_HEX_SIZE]; /* of the last row */
};

/* Hash every row again. `head`, if not NULL, is a hash kept from earlier: rows up to it cannot have
 * been rewritten since. False when the trail could not be read. */
bool trail_verify(const struct store *store, const char *head, struct trail_verdict *verdict);

#endif
