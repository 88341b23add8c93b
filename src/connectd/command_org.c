/* SPDX-License-Identifier: Apache-2.0 */
/* org and principal: define organisations, and who belongs to them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "connectd/commands.h"
#include "connectd/store/iam.h"
#include "base/printable.h"

/* Print the names that a statement finds, with the fields after them, as lines or as an array. */
static int print_names(const struct store *store, const char *sql, const char *const *fields,
		       int count, bool json)
{
	_cleanup_statement_ sqlite3_stmt *statement = store_prepare(store, sql, "");
	cJSON *array = cJSON_CreateArray();

	while (statement != NULL && store_next(store, statement)) {
		cJSON *object = cJSON_CreateObject();

		for (int i = 0; i < count; i++) {
			cJSON_AddStringToObject(object, fields[i], store_text(statement, i));
			if (!json && i == 0)
				printable_put_word(stdout, store_text(statement, 0));
			else if (!json)
				command_print_field(fields[i], store_text(statement, i));
		}
		if (!json)
			putchar('\n');
		cJSON_AddItemToArray(array, object);
	}
	if (json)
		return command_print_json(array);
	cJSON_Delete(array);
	return statement == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int add_org(const struct store *store, int argc, char **argv)
{
	if (argc != 1 || !iam_name_is_valid(argv[0], IAM_ORG_SIZE))
		return usage_error("org add needs a NAME of up to 64 printable characters");
	if (!command_begin(store))
		return EXIT_FAILURE;
	if (!store_run(store, "INSERT INTO orgs(name, created) VALUES(?,?)", "ti", argv[0],
		       (int64_t)time(NULL)))
		return command_fail("cannot add org %s; does it exist already?", argv[0]);
	return command_commit(store, NULL, "org add %s", argv[0]) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int list_orgs(const struct store *store, int argc, char **argv)
{
	static const char *const fields[] = { "name" };
	bool json;

	if (!command_takes_json(argc, argv, &json))
		return usage_error("org list takes --json");
	return print_names(store, "SELECT name FROM orgs ORDER BY name", fields, 1, json);
}

static int remove_org(const struct store *store, int argc, char **argv)
{
	_cleanup_statement_ sqlite3_stmt *used = NULL;

	if (argc != 1)
		return usage_error("org remove needs a NAME");
	if (!command_begin(store))
		return EXIT_FAILURE;
	used = store_prepare(store,
			     "SELECT 1 FROM principals WHERE org = ?1 UNION SELECT 1 FROM instances"
			     " WHERE org = ?1 UNION SELECT 1 FROM policies WHERE org = ?1",
			     "t", argv[0]);
	if (used == NULL || store_next(store, used))
		return command_fail(
			"org %s has principals, instances or policies; remove these first",
			argv[0]);
	if (!store_run(store, "DELETE FROM orgs WHERE name = ?", "t", argv[0]) ||
	    sqlite3_changes(store->db) != 1)
		return command_fail("no org %s; see: exc-connectd org list", argv[0]);
	return command_commit(store, NULL, "org remove %s", argv[0]) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int add_principal(const struct store *store, int argc, char **argv)
{
	const char *org = command_take_option(&argc, argv, "--org");

	if (argc != 1 || !iam_name_is_valid(argv[0], IAM_PRINCIPAL_SIZE))
		return usage_error(
			"principal add needs a NAME, such as user:ana or service:ci, and "
			"takes --org NAME");
	if (org == NULL)
		org = "default";
	if (!command_begin(store))
		return EXIT_FAILURE;
	if (!store_run(store, "INSERT INTO principals(name, org, created) VALUES(?,?,?)", "tti",
		       argv[0], org, (int64_t)time(NULL)))
		return command_fail(
			"cannot add principal %s; does it exist already, or is there no "
			"org %s?",
			argv[0], org);
	return command_commit(store, NULL, "principal add %s --org %s", argv[0], org)
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}

static int list_principals(const struct store *store, int argc, char **argv)
{
	static const char *const fields[] = { "name", "org", "policies" };
	bool json;

	if (!command_takes_json(argc, argv, &json))
		return usage_error("principal list takes --json");
	return print_names(store,
			   "SELECT name, org, (SELECT group_concat(policy, ' ') FROM bindings"
			   " WHERE principal = name) FROM principals ORDER BY name",
			   fields, 3, json);
}

static int remove_principal(const struct store *store, int argc, char **argv)
{
	if (argc != 1)
		return usage_error("principal remove needs a NAME");
	if (!command_begin(store))
		return EXIT_FAILURE;
	/* Its tokens and bindings are removed with it. */
	if (!store_run(store, "DELETE FROM principals WHERE name = ?", "t", argv[0]) ||
	    sqlite3_changes(store->db) != 1)
		return command_fail("no principal %s; see: exc-connectd principal list", argv[0]);
	return command_commit(store, NULL, "principal remove %s", argv[0]) ? EXIT_SUCCESS
									   : EXIT_FAILURE;
}

int org_main(int argc, char **argv, const struct connectd_config *config)
{
	static const struct verb verbs[] = { { "add", add_org },
					     { "list", list_orgs },
					     { "remove", remove_org } };

	return command_run_verb(argc, argv, config, verbs, sizeof verbs / sizeof verbs[0],
				"org needs add NAME, list [--json] or remove NAME");
}

int principal_main(int argc, char **argv, const struct connectd_config *config)
{
	static const struct verb verbs[] = { { "add", add_principal },
					     { "list", list_principals },
					     { "remove", remove_principal } };

	return command_run_verb(
		argc, argv, config, verbs, sizeof verbs / sizeof verbs[0],
		"principal needs add NAME [--org ORG], list [--json] or remove NAME");
}
