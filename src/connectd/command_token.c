/* SPDX-License-Identifier: Apache-2.0 */
/* token: give principals tokens, and revoke them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include "connectd/commands.h"
#include "connectd/store/iam.h"
#include "connectd/store/policy.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/printable.h"

#define TOKEN_BYTES 32
#define TOKEN_PREFIX "exc_"
#define TOKEN_SIZE (sizeof TOKEN_PREFIX + BASE64_SIZE(TOKEN_BYTES))
/* The policy that --instance makes, in front of the principal's name */
#define POLICY_PREFIX "instances:"
#define POLICY_NAME_SIZE (sizeof POLICY_PREFIX + IAM_PRINCIPAL_SIZE)

static bool make_token(char token[TOKEN_SIZE], char hash[DIGEST_HEX_SIZE],
		       char id[IAM_TOKEN_ID_SIZE])
{
	uint8_t bytes[TOKEN_BYTES], name[8];

	if (RAND_bytes(bytes, sizeof bytes) != 1 || RAND_bytes(name, sizeof name) != 1)
		return false;
	memcpy(token, TOKEN_PREFIX, sizeof TOKEN_PREFIX);
	base64url_encode(bytes, sizeof bytes, token + strlen(TOKEN_PREFIX));
	memcpy(id, "tok_", 5);
	for (size_t i = 0; i < sizeof name; i++)
		snprintf(id + 4 + 2 * i, 3, "%02x", name[i]);
	return digest_hex(token, strlen(token), hash);
}

/* "90d", "12h", "30m" or "45s" from now on, in seconds since 1970. 0 when it is none of these. */
static int64_t read_expiry(const char *text)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	size_t digits = strspn(text, "0123456789");

	for (size_t i = 0; digits > 0 && digits <= 5 && i < sizeof units / sizeof units[0]; i++)
		if (text[digits] == units[i].unit && text[digits + 1] == '\0' && atoi(text) > 0)
			return (int64_t)time(NULL) + atoi(text) * units[i].seconds;
	return 0;
}

/* The document that --instance writes, which owns `resources` afterwards; NULL: no memory. */
static char *write_document(cJSON *resources)
{
	static const char *const actions[] = { IAM_CONNECT, IAM_CONSOLE, IAM_AUDIT };
	_cleanup_json_ cJSON *document = cJSON_CreateObject();
	char error[POLICY_ERROR_SIZE];
	cJSON *statement = cJSON_CreateObject();

	cJSON_AddStringToObject(document, "Version", "2012-10-17");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(document, "Statements"), statement);
	cJSON_AddStringToObject(statement, "Sid", "Instances");
	cJSON_AddStringToObject(statement, "Effect", "Allow");
	cJSON_AddItemToObject(statement, "Action",
			      cJSON_CreateStringArray(actions, sizeof actions / sizeof actions[0]));
	cJSON_AddItemToObject(statement, "Resource", resources);
	return policy_is_valid(document, error) ? cJSON_PrintUnformatted(document) : NULL;
}

/* The Resource list of a document that --instance wrote, which the caller deletes; NULL when it is
 * any other document. Anything that a person wrote must be kept, or a Deny becomes an Allow: so
 * only a document that is byte for byte what we would write is accepted. */
static cJSON *read_document(const char *text)
{
	_cleanup_json_ cJSON *document = NULL;
	_cleanup_free_ char *again = NULL;
	const cJSON *found, *element;

	if (json_parse(text, strlen(text), &document) != JSON_OK)
		return NULL;
	found = json_member(cJSON_GetArrayItem(json_member(document, "Statements"), 0), "Resource");
	if (!cJSON_IsArray(found))
		return NULL;
	/* Bounded by POLICY_BYTES_MAX */
	cJSON_ArrayForEach(element, found)
	{
		if (!cJSON_IsString(element) || strncmp(element->valuestring, IAM_INSTANCE_PREFIX,
							strlen(IAM_INSTANCE_PREFIX)) != 0)
			return NULL;
	}
	again = write_document(cJSON_Duplicate(found, true));
	return again != NULL && strcmp(again, text) == 0 ? cJSON_Duplicate(found, true) : NULL;
}

/* What the name of a principal's policy refers to */
enum found_policy {
	FOUND_NOTHING, /* nothing */
	FOUND_OURS, /* what --instance wrote, for this principal alone */
	FOUND_UNATTACHED, /* the same, but it was detached, or its principal was removed */
	FOUND_EDITED /* what a person wrote, attached to others as well, or is unreadable */
};

/* Look for the policy, and for its Resource list, which the caller deletes: NULL for FOUND_NOTHING
 * and FOUND_EDITED. */
static enum found_policy find_policy(const struct store *store, const char *policy,
				     const char *principal, cJSON **resources)
{
	_cleanup_statement_ sqlite3_stmt *statement = store_prepare(
		store,
		"SELECT document, managed = 0 AND org IS"
		" (SELECT org FROM principals WHERE name = ?2) AND NOT EXISTS"
		" (SELECT 1 FROM bindings WHERE policy = ?1 AND principal <> ?2), EXISTS"
		" (SELECT 1 FROM bindings WHERE policy = ?1 AND principal = ?2)"
		" FROM policies WHERE name = ?1",
		"tt", policy, principal);

	*resources = NULL;
	if (statement == NULL)
		return FOUND_EDITED;
	if (!store_next(store, statement))
		return sqlite3_errcode(store->db) == SQLITE_DONE ? FOUND_NOTHING : FOUND_EDITED;
	if (sqlite3_column_int(statement, 1) != 0)
		*resources = read_document(store_text(statement, 0));
	if (*resources == NULL)
		return FOUND_EDITED;
	return sqlite3_column_int(statement, 2) != 0 ? FOUND_OURS : FOUND_UNATTACHED;
}

static void name_policy(char policy[POLICY_NAME_SIZE], const char *principal)
{
	snprintf(policy, POLICY_NAME_SIZE, POLICY_PREFIX "%.128s", principal);
}

static bool has_text(const cJSON *array, const char *text)
{
	const cJSON *element;

	cJSON_ArrayForEach(element, array)
	{
		if (cJSON_IsString(element) && strcmp(element->valuestring, text) == 0)
			return true;
	}
	return false;
}

/* May --instance add to this policy? Otherwise a message on stderr says why, and what to do. */
static bool may_grow(enum found_policy found, const char *policy, const char *principal)
{
	if (found == FOUND_EDITED)
		command_fail(
			"policy %s was edited since --instance wrote it, or others have it as well, so "
			"nothing was changed: add the instances with exc-connectd policy put, "
			"and the token without --instance",
			policy);
	else if (found == FOUND_UNATTACHED)
		command_fail(
			"policy %s lists instances already but is not attached to %s, so "
			"nothing was changed: remove it with exc-connectd policy remove %s, or "
			"attach it again, and repeat this command",
			policy, principal, policy);
	return found == FOUND_NOTHING || found == FOUND_OURS;
}

/* Let the principal do everything that keys are for on these instances, and on the previous ones.
 * False with a message on stderr. */
static bool allow_instances(const struct store *store, const char *principal, int count,
			    char **vm_ids)
{
	char policy[POLICY_NAME_SIZE], resource[IAM_RESOURCE_SIZE];
	_cleanup_free_ char *text = NULL;
	cJSON *resources;

	name_policy(policy, principal);
	if (!may_grow(find_policy(store, policy, principal, &resources), policy, principal)) {
		cJSON_Delete(resources);
		return false;
	}
	if (resources == NULL)
		resources = cJSON_CreateArray();
	for (int i = 0; i < count; i++) {
		snprintf(resource, sizeof resource, IAM_INSTANCE_PREFIX "%s", vm_ids[i]);
		if (!has_text(resources, resource))
			cJSON_AddItemToArray(resources, cJSON_CreateString(resource));
	}
	text = write_document(resources);
	if (text == NULL) {
		command_fail("a policy can list %d instances: write another one with "
			     "exc-connectd policy put, and add the token without --instance",
			     POLICY_PATTERNS_MAX);
		return false;
	}
	return store_run(store,
			 "INSERT INTO policies(name, org, managed, document, created)"
			 " SELECT ?1, org, 0, ?2, ?3 FROM principals WHERE name = ?4"
			 " ON CONFLICT(name) DO UPDATE SET document = ?2",
			 "ttit", policy, text, (int64_t)time(NULL), principal) &&
	       store_run(store, "INSERT OR IGNORE INTO bindings(policy, principal) VALUES(?,?)",
			 "tt", policy, principal);
}

/* The principal, its token and its policy are stored together or not at all. False with a message
 * on stderr. */
static bool store_token(const struct store *store, const char *principal, const char *id,
			const char *hash, int64_t expires, int count, char **vm_ids)
{
	const int64_t now = (int64_t)time(NULL);

	return command_begin(store) &&
	       store_run(store,
			 "INSERT OR IGNORE INTO principals(name, org, created)"
			 " VALUES(?, 'default', ?)",
			 "ti", principal, now) &&
	       store_run(store,
			 "INSERT INTO api_tokens(id, principal, hash, created, expires)"
			 " VALUES(?1, ?2, ?3, ?4, nullif(?5, 0))",
			 "tttii", id, principal, hash, now, expires) &&
	       (count == 0 || allow_instances(store, principal, count, vm_ids)) &&
	       command_commit(store, NULL, "token add %s %s", principal, id);
}

static bool has_policy(const struct store *store, const char *principal)
{
	_cleanup_statement_ sqlite3_stmt *statement =
		store_prepare(store, "SELECT 1 FROM bindings WHERE principal = ?", "t", principal);

	return statement != NULL && store_next(store, statement);
}

static int add_token(const struct store *store, int argc, char **argv)
{
	char token[TOKEN_SIZE], hash[DIGEST_HEX_SIZE], id[IAM_TOKEN_ID_SIZE];
	const char *lifetime = command_take_option(&argc, argv, "--expires");
	int64_t expires = lifetime == NULL ? 0 : read_expiry(lifetime);
	int count = 0;

	if (argc < 1 || !iam_name_is_valid(argv[0], IAM_PRINCIPAL_SIZE))
		return usage_error("token add needs a NAME, such as user:ana");
	if (lifetime != NULL && expires == 0)
		return usage_error("--expires takes a number of days, hours, minutes or seconds, "
				   "such as 90d");
	/* The value of each --instance moves to where the first option was. */
	for (int i = 1; i < argc; i += 2) {
		if (strcmp(argv[i], "--instance") != 0 || i + 1 == argc)
			return usage_error(
				"token add takes --expires TIME and --instance VM_ID, as "
				"often as needed, or --instance '*' for all of them");
		argv[1 + count++] = argv[i + 1];
	}
	if (count == 0 && !has_policy(store, argv[0]))
		return usage_error(
			"no policy is attached to this principal: name its instances with "
			"--instance VM_ID, or attach a policy first");
	if (!make_token(token, hash, id) ||
	    !store_token(store, argv[0], id, hash, expires, count, argv + 1))
		return command_fail("cannot add the token");
	/* Shown only once; the database has its hash. */
	return puts(token) >= 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void print_token(sqlite3_stmt *statement)
{
	printable_put_word(stdout, store_text(statement, 0));
	putchar(' ');
	printable_put_word(stdout, store_text(statement, 1));
	command_print_field("created", store_text(statement, 2));
	if (store_text(statement, 3)[0] != '\0')
		command_print_field("expires", store_text(statement, 3));
	if (store_text(statement, 4)[0] != '\0')
		command_print_field("revoked", store_text(statement, 4));
	putchar('\n');
}

static int list_tokens(const struct store *store, int argc, char **argv)
{
	static const char *const names[] = { "principal", "id", "created", "expires", "revoked" };
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	cJSON *array;
	bool json;

	if (!command_takes_json(argc, argv, &json))
		return usage_error("token list takes --json");
	array = cJSON_CreateArray();
	statement = store_prepare(
		store,
		"SELECT principal, id, strftime('%Y-%m-%dT%H:%M:%SZ', created, 'unixepoch'),"
		" strftime('%Y-%m-%dT%H:%M:%SZ', expires, 'unixepoch'),"
		" strftime('%Y-%m-%dT%H:%M:%SZ', revoked, 'unixepoch') FROM api_tokens"
		" ORDER BY principal, created, id",
		"");
	while (statement != NULL && store_next(store, statement)) {
		cJSON *object = cJSON_CreateObject();

		if (!json)
			print_token(statement);
		for (int i = 0; i < 5; i++)
			if (store_text(statement, i)[0] != '\0')
				cJSON_AddStringToObject(object, names[i], store_text(statement, i));
		cJSON_AddItemToArray(array, object);
	}
	if (json)
		return command_print_json(array);
	cJSON_Delete(array);
	return statement == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The row stays, so that the trail's token ids can be looked up. */
static int revoke_token(const struct store *store, int argc, char **argv)
{
	if (argc != 1)
		return usage_error("token revoke needs an ID, see: exc-connectd token list");
	if (!command_begin(store))
		return EXIT_FAILURE;
	if (!store_run(store, "UPDATE api_tokens SET revoked = ? WHERE id = ? AND revoked IS NULL",
		       "it", (int64_t)time(NULL), argv[0]) ||
	    sqlite3_changes(store->db) != 1)
		return command_fail("no unrevoked token has the id %s; see: exc-connectd "
				    "token list",
				    argv[0]);
	return command_commit(store, NULL, "token revoke %s", argv[0]) ? EXIT_SUCCESS
								       : EXIT_FAILURE;
}

/* Remove what --instance allowed. What a person wrote may deny, or be for others as well. */
static bool remove_policy(const struct store *store, const char *principal)
{
	char policy[POLICY_NAME_SIZE];
	_cleanup_json_ cJSON *resources = NULL;
	enum found_policy found;

	name_policy(policy, principal);
	found = find_policy(store, policy, principal, &resources);
	if (found == FOUND_EDITED)
		command_fail("policy %s stays, because it was edited since --instance wrote it, or "
			     "others have it as well; exc-connectd policy remove removes it",
			     policy);
	return found == FOUND_EDITED ||
	       store_run(store, "DELETE FROM policies WHERE name = ?", "t", policy);
}

static int remove_tokens(const struct store *store, int argc, char **argv)
{
	if (argc != 1)
		return usage_error("token remove needs a NAME");
	if (!command_begin(store))
		return EXIT_FAILURE;
	if (!store_run(store, "DELETE FROM api_tokens WHERE principal = ?", "t", argv[0]) ||
	    sqlite3_changes(store->db) == 0)
		return command_fail("%s has no token; see: exc-connectd token list", argv[0]);
	return remove_policy(store, argv[0]) &&
			       command_commit(store, NULL, "token remove %s", argv[0])
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}

int token_main(int argc, char **argv, const struct connectd_config *config)
{
	static const struct verb verbs[] = { { "add", add_token },
					     { "list", list_tokens },
					     { "revoke", revoke_token },
					     { "remove", remove_tokens } };

	return command_run_verb(argc, argv, config, verbs, sizeof verbs / sizeof verbs[0],
				"token needs add, list, revoke ID or remove NAME");
}
