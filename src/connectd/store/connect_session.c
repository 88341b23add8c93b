/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: POST /compute/instance/connect hands them out, and one socket uses each. */
#include "connectd/store/connect_session.h"

#include <stdio.h>
#include <string.h>

enum session_state session_find(const struct store *store, const char *id, int64_t now,
				struct connect_session *session)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;

	memset(session, 0, sizeof *session);
	/* The time to look up a hash reveals nothing about the id. */
	if (!digest_hex(id, strlen(id), session->hash))
		return SESSION_UNREADABLE;
	statement = store_prepare(
		store,
		"SELECT s.jti, s.vm_id, s.user, s.taken IS NOT NULL, s.expires, g.caller,"
		" g.fingerprint, ifnull(p.org, ''), g.instance FROM sessions AS s JOIN grants AS g ON g.jti = s.jti"
		" LEFT JOIN principals AS p ON p.name = g.caller WHERE s.id_hash = ?",
		"t", session->hash);
	if (statement == NULL)
		return SESSION_UNREADABLE;
	if (!store_next(store, statement))
		return sqlite3_errcode(store->db) == SQLITE_DONE ? SESSION_UNKNOWN
								 : SESSION_UNREADABLE;
	snprintf(session->jti, sizeof session->jti, "%s", store_text(statement, 0));
	snprintf(session->vm_id, sizeof session->vm_id, "%s", store_text(statement, 1));
	snprintf(session->user, sizeof session->user, "%s", store_text(statement, 2));
	snprintf(session->caller.principal, sizeof session->caller.principal, "%s",
		 store_text(statement, 5));
	snprintf(session->fingerprint, sizeof session->fingerprint, "%s", store_text(statement, 6));
	snprintf(session->caller.org, sizeof session->caller.org, "%s", store_text(statement, 7));
	session->instance = sqlite3_column_int64(statement, 8);
	if (sqlite3_column_int(statement, 3) != 0)
		return SESSION_USED;
	return sqlite3_column_int64(statement, 4) > now ? SESSION_LIVE : SESSION_EXPIRED;
}

bool session_take(const struct store *store, const struct connect_session *session, int64_t now)
{
	return store_run(store,
			 "UPDATE sessions SET taken = ?1 WHERE id_hash = ?2 AND taken IS NULL"
			 " AND expires > ?1",
			 "it", now, session->hash) &&
	       sqlite3_changes(store->db) == 1;
}
