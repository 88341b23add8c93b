/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls, and may they connect to this instance? */
#include "connectd/authorize.h"

#include <stdio.h>
#include <string.h>

#include "grant/digest.h"

#define SCHEME "Bearer "

bool authorize_caller(const struct store *store, const char *authorization,
		      char caller[CALLER_SIZE])
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	const char *token = authorization + strlen(SCHEME);
	char hash[DIGEST_HEX_SIZE];

	if (strncmp(authorization, SCHEME, strlen(SCHEME)) != 0 || token[0] == '\0' ||
	    !digest_hex(token, strlen(token), hash))
		return false;
	/* Looking up a hash tells nothing about the token by how long it takes. */
	statement = store_prepare(store, "SELECT name FROM tokens WHERE hash = ?", "t", hash);
	if (statement == NULL || !store_next(store, statement))
		return false;
	snprintf(caller, CALLER_SIZE, "%s", store_text(statement, 0));
	return true;
}

bool authorize_connect(const struct store *store, const char *caller, const char *vm_id)
{
	_cleanup_statement_ sqlite3_stmt *statement =
		store_prepare(store, "SELECT 1 FROM rights WHERE name = ? AND vm_id IN (?, '*')",
			      "tt", caller, vm_id);

	return statement != NULL && store_next(store, statement);
}
