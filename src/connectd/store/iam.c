/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls, and may they do this? Principals, organisations and their policies in the store. */
#include "connectd/store/iam.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "connectd/store/policy.h"
#include "base/digest.h"
#include "base/json.h"

/* RFC 6750 section 2.1; schemes ignore case (RFC 9110 section 11.1). */
#define SCHEME "Bearer "

bool iam_identify(const struct store *store, const char *authorization, struct iam_caller *caller)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	const char *token = authorization + strlen(SCHEME);
	char hash[DIGEST_HEX_SIZE];

	if (strncasecmp(authorization, SCHEME, strlen(SCHEME)) != 0 || token[0] == '\0' ||
	    !digest_hex(token, strlen(token), hash))
		return false;
	/* The time to look up a hash reveals nothing about the token. */
	statement = store_prepare(store,
				  "SELECT principal, org, id FROM api_tokens"
				  " JOIN principals ON principals.name = principal WHERE hash = ?1"
				  " AND revoked IS NULL AND ifnull(expires, ?2 + 1) > ?2",
				  "ti", hash, (int64_t)time(NULL));
	if (statement == NULL || !store_next(store, statement))
		return false;
	snprintf(caller->principal, sizeof caller->principal, "%s", store_text(statement, 0));
	snprintf(caller->org, sizeof caller->org, "%s", store_text(statement, 1));
	snprintf(caller->token_id, sizeof caller->token_id, "%s", store_text(statement, 2));
	return true;
}

/* Apply one policy. One that cannot be read denies; see policy_evaluate(). */
static void look_at(struct policy_decision *decision, struct iam_decision *words, const char *name,
		    const char *text, const char *action, const char *resource)
{
	const enum policy_effect before = decision->effect;
	_cleanup_json_ cJSON *document = NULL;
	char place[32] = "which is not a valid policy";

	json_parse(text, strlen(text), &document);
	policy_evaluate(decision, name, document, action, resource);
	if (decision->effect == before)
		return;
	/* Now, while the document exists. */
	if (decision->statement >= 0)
		snprintf(place, sizeof place, "statement %d", decision->statement + 1);
	snprintf(words->why, sizeof words->why, "%s by policy %.128s, %s%s%.128s",
		 decision->effect == POLICY_ALLOW ? "allowed" : "denied", name, place,
		 decision->sid == NULL ? "" : " ", decision->sid == NULL ? "" : decision->sid);
}

void iam_decide(const struct store *store, const char *principal, const char *action,
		const char *resource, struct iam_decision *decision)
{
	struct policy_decision found = { 0 };
	_cleanup_statement_ sqlite3_stmt *statement = store_prepare(
		store,
		"SELECT name, document FROM policies WHERE name IN"
		" (SELECT policy FROM bindings WHERE principal = ?1) OR (managed = 1 AND"
		" ifnull(org, '') IN ('', (SELECT org FROM principals WHERE name = ?1)))"
		" ORDER BY name",
		"t", principal);

	snprintf(decision->why, sizeof decision->why, "denied: no policy allows it");
	while (statement != NULL && store_next(store, statement))
		look_at(&found, decision, store_text(statement, 0), store_text(statement, 1),
			action, resource);
	/* A store that cannot be read to its end may have had a Deny. */
	decision->allowed = found.effect == POLICY_ALLOW && statement != NULL &&
			    sqlite3_errcode(store->db) == SQLITE_DONE;
}

bool iam_name_is_valid(const char *name, size_t size)
{
	size_t length = strlen(name);

	if (length == 0 || length >= size || name[0] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] <= 0x20 || name[i] > 0x7e)
			return false;
	return true;
}
