/* SPDX-License-Identifier: Apache-2.0 */
/* policy: define what principals may do, and show which statement decides. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connectd/commands.h"
#include "connectd/store/iam.h"
#include "connectd/store/instance.h"
#include "connectd/store/policy.h"
#include "base/json.h"
#include "base/printable.h"

/* Exit status of `policy test` when it is denied */
#define EXIT_DENIED 1

static bool is_document(const char *path, const char *text)
{
	_cleanup_json_ cJSON *document = NULL;
	char error[POLICY_ERROR_SIZE] = "not one JSON object without duplicate members";

	if (json_parse(text, strlen(text), &document) == JSON_OK &&
	    policy_is_valid(document, error))
		return true;
	command_fail("%s: %s", path, error);
	return false;
}

/* `policy put NAME FILE`: add a policy, or replace it. */
static int put_policy(const struct store *store, int argc, char **argv)
{
	const char *org = command_take_option(&argc, argv, "--org");
	bool managed = command_take_flag(&argc, argv, "--managed");
	_cleanup_free_ char *text = NULL;

	if (argc != 2 || !iam_name_is_valid(argv[0], IAM_POLICY_SIZE))
		return usage_error(
			"policy put needs a NAME and a FILE, or - for standard input, and "
			"takes --org NAME and --managed");
	if (strcmp(argv[0], "Admin") == 0)
		return command_fail("Admin is built in; choose another name");
	text = command_read_file(argv[1], POLICY_BYTES_MAX);
	if (text == NULL || !is_document(argv[1], text) || !command_begin(store))
		return EXIT_FAILURE;
	if (!store_run(store,
		       "INSERT INTO policies(name, org, managed, document, created)"
		       " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(name) DO UPDATE SET org = ?2,"
		       " managed = ?3, document = ?4",
		       "ttiti", argv[0], org == NULL && !managed ? "default" : org,
		       (int64_t)managed, text, (int64_t)time(NULL)))
		return command_fail("cannot store policy %s; is there no org %s?", argv[0],
				    org == NULL ? "default" : org);
	return command_commit(store, NULL, "policy put %s%s", argv[0], managed ? " --managed" : "")
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}

static int list_policies(const struct store *store, int argc, char **argv)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	cJSON *array;
	bool json;

	if (!command_takes_json(argc, argv, &json))
		return usage_error("policy list takes --json");
	array = cJSON_CreateArray();
	statement = store_prepare(store,
				  "SELECT name, ifnull(org, '*'), managed, (SELECT group_concat("
				  "principal, ' ') FROM bindings WHERE policy = name) FROM policies"
				  " ORDER BY name",
				  "");
	while (statement != NULL && store_next(store, statement)) {
		bool managed = sqlite3_column_int(statement, 2) != 0;
		cJSON *object = cJSON_CreateObject();

		if (!json) {
			printable_put_word(stdout, store_text(statement, 0));
			command_print_field("org", store_text(statement, 1));
			command_print_field("for", managed ? "everyone" : store_text(statement, 3));
			putchar('\n');
		}
		cJSON_AddStringToObject(object, "name", store_text(statement, 0));
		cJSON_AddStringToObject(object, "org", store_text(statement, 1));
		cJSON_AddBoolToObject(object, "managed", managed);
		cJSON_AddStringToObject(object, "principals", store_text(statement, 3));
		cJSON_AddItemToArray(array, object);
	}
	if (json)
		return command_print_json(array);
	cJSON_Delete(array);
	return statement == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int show_policy(const struct store *store, int argc, char **argv)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;

	if (argc != 1)
		return usage_error("policy show needs a NAME");
	statement =
		store_prepare(store, "SELECT document FROM policies WHERE name = ?", "t", argv[0]);
	if (statement == NULL || !store_next(store, statement))
		return command_fail("no policy %s; see: exc-connectd policy list", argv[0]);
	printable_put_json(stdout, store_text(statement, 0));
	return putchar('\n') == '\n' ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int remove_policy(const struct store *store, int argc, char **argv)
{
	if (argc != 1)
		return usage_error("policy remove needs a NAME");
	if (strcmp(argv[0], "Admin") == 0)
		return command_fail("Admin is built in and cannot be removed");
	if (!command_begin(store))
		return EXIT_FAILURE;
	if (!store_run(store, "DELETE FROM policies WHERE name = ?", "t", argv[0]) ||
	    sqlite3_changes(store->db) != 1)
		return command_fail("no policy %s; see: exc-connectd policy list", argv[0]);
	return command_commit(store, NULL, "policy remove %s", argv[0]) ? EXIT_SUCCESS
									: EXIT_FAILURE;
}

/* A policy of one organisation is for its principals. */
static int attach_policy(const struct store *store, int argc, char **argv)
{
	if (argc != 2)
		return usage_error("policy attach needs a NAME and a PRINCIPAL");
	if (!command_begin(store))
		return EXIT_FAILURE;
	if (!store_run(store,
		       "INSERT OR IGNORE INTO bindings(policy, principal) SELECT policies.name,"
		       " principals.name FROM policies JOIN principals WHERE policies.name = ?1"
		       " AND principals.name = ?2 AND ifnull(policies.org, principals.org) ="
		       " principals.org",
		       "tt", argv[0], argv[1]))
		return EXIT_FAILURE;
	if (sqlite3_changes(store->db) != 1)
		return command_fail(
			"nothing was attached: is it attached already, is there no policy "
			"%s or no principal %s, or is the policy another organisation's?",
			argv[0], argv[1]);
	return command_commit(store, NULL, "policy attach %s %s", argv[0], argv[1]) ? EXIT_SUCCESS
										    : EXIT_FAILURE;
}

static int detach_policy(const struct store *store, int argc, char **argv)
{
	if (argc != 2)
		return usage_error("policy detach needs a NAME and a PRINCIPAL");
	if (!command_begin(store))
		return EXIT_FAILURE;
	if (!store_run(store, "DELETE FROM bindings WHERE policy = ? AND principal = ?", "tt",
		       argv[0], argv[1]) ||
	    sqlite3_changes(store->db) != 1)
		return command_fail("policy %s is not attached to %s", argv[0], argv[1]);
	return command_commit(store, NULL, "policy detach %s %s", argv[0], argv[1]) ? EXIT_SUCCESS
										    : EXIT_FAILURE;
}

/* Regardless of policies: is this an instance of another organisation? */
static bool is_foreign(const struct store *store, const char *principal, const char *resource)
{
	const size_t prefix = strlen(IAM_INSTANCE_PREFIX);
	_cleanup_statement_ sqlite3_stmt *statement = NULL;

	if (strncmp(resource, IAM_INSTANCE_PREFIX, prefix) != 0)
		return false;
	statement = store_prepare(store,
				  "SELECT 1 FROM instances WHERE vm_id = ? AND org IS NOT"
				  " (SELECT org FROM principals WHERE name = ?)",
				  "tt", resource + prefix, principal);
	return statement == NULL || store_next(store, statement);
}

static int test_policy(const struct store *store, int argc, char **argv)
{
	const char *principal = command_take_option(&argc, argv, "--principal");
	const char *action = command_take_option(&argc, argv, "--action");
	const char *resource = command_take_option(&argc, argv, "--resource");
	_cleanup_statement_ sqlite3_stmt *known = NULL;
	struct iam_decision decision;

	if (argc != 0 || principal == NULL || action == NULL || resource == NULL)
		return usage_error("policy test needs --principal NAME, --action ACTION and "
				   "--resource RESOURCE");
	known = store_prepare(store, "SELECT 1 FROM principals WHERE name = ?", "t", principal);
	if (known == NULL || !store_next(store, known))
		return command_fail("no principal %s; see: exc-connectd principal list", principal);
	iam_decide(store, principal, action, resource, &decision);
	if (decision.allowed && is_foreign(store, principal, resource)) {
		decision.allowed = false;
		snprintf(decision.why, sizeof decision.why,
			 "denied: the instance belongs to another organisation");
	}
	printable_put(stdout, decision.why);
	putchar('\n');
	return decision.allowed ? EXIT_SUCCESS : EXIT_DENIED;
}

int policy_main(int argc, char **argv, const struct connectd_config *config)
{
	static const struct verb verbs[] = {
		{ "put", put_policy },       { "list", list_policies },
		{ "show", show_policy },     { "remove", remove_policy },
		{ "attach", attach_policy }, { "detach", detach_policy },
		{ "test", test_policy },
	};

	return command_run_verb(argc, argv, config, verbs, sizeof verbs / sizeof verbs[0],
				"policy needs put, list, show, remove, attach, detach or test");
}
