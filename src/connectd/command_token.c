/* SPDX-License-Identifier: Apache-2.0 */
/* token: say who may call, and which instances they may connect to. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include "connectd/authorize.h"
#include "connectd/commands.h"
#include "grant/base64.h"
#include "grant/digest.h"
#include "grant/json.h"

#define TOKEN_BYTES 32
#define TOKEN_PREFIX "exc_"
#define TOKEN_SIZE (sizeof TOKEN_PREFIX + BASE64_SIZE(TOKEN_BYTES))

static bool make_token(char token[TOKEN_SIZE], char hash[DIGEST_HEX_SIZE])
{
	uint8_t bytes[TOKEN_BYTES];

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	memcpy(token, TOKEN_PREFIX, sizeof TOKEN_PREFIX);
	base64url_encode(bytes, sizeof bytes, token + strlen(TOKEN_PREFIX));
	return digest_hex(token, strlen(token), hash);
}

/* A name that people will read in logs. */
static bool is_caller_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= CALLER_SIZE || name[0] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] <= 0x20 || name[i] > 0x7e)
			return false;
	return true;
}

/* The token and its rights are stored together or not at all. */
static bool store_token(const struct store *store, const char *name, const char *hash, int argc,
			char **argv)
{
	bool good = store_run(store, "BEGIN IMMEDIATE", "") &&
		    store_run(store, "INSERT INTO tokens(name, hash, created) VALUES(?,?,?)", "tti",
			      name, hash, (int64_t)time(NULL));

	for (int i = 0; good && i < argc; i += 2)
		good = store_run(store, "INSERT OR IGNORE INTO rights(name, vm_id) VALUES(?,?)",
				 "tt", name, argv[i + 1]);
	if (good && store_run(store, "COMMIT", ""))
		return true;
	store_run(store, "ROLLBACK", "");
	return false;
}

static int add_token(const struct store *store, int argc, char **argv)
{
	char token[TOKEN_SIZE], hash[DIGEST_HEX_SIZE];

	if (argc < 1 || !is_caller_name(argv[0]))
		return usage_error("token add needs a NAME, such as user:ana");
	if (argc < 3 || argc % 2 == 0)
		return usage_error(
			"token add needs --instance VM_ID, or --instance '*' for all of them");
	for (int i = 1; i < argc; i += 2)
		if (strcmp(argv[i], "--instance") != 0)
			return usage_error("token add takes --instance VM_ID, as often as needed");
	if (!make_token(token, hash) || !store_token(store, argv[0], hash, argc - 1, argv + 1)) {
		fprintf(stderr,
			"exc-connectd: token %s was not added; if it is there already, run: exc-connectd "
			"token remove %s\n",
			argv[0], argv[0]);
		return EXIT_FAILURE;
	}
	/* Shown this once; the database has its hash. */
	return puts(token) >= 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int list_tokens(const struct store *store, bool json)
{
	_cleanup_statement_ sqlite3_stmt *statement = store_prepare(
		store,
		"SELECT name, group_concat(vm_id, ' ') FROM tokens JOIN rights USING(name) GROUP BY name"
		" ORDER BY name",
		"");
	_cleanup_json_ cJSON *array = cJSON_CreateArray();
	_cleanup_free_ char *text = NULL;

	while (statement != NULL && store_next(store, statement)) {
		cJSON *object;

		if (!json) {
			printf("%s instances=%s\n", store_text(statement, 0),
			       store_text(statement, 1));
			continue;
		}
		object = cJSON_CreateObject();
		cJSON_AddStringToObject(object, "name", store_text(statement, 0));
		cJSON_AddStringToObject(object, "instances", store_text(statement, 1));
		cJSON_AddItemToArray(array, object);
	}
	if (json && (text = cJSON_Print(array)) != NULL)
		puts(text);
	return statement == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int remove_token(const struct store *store, const char *name)
{
	if (!store_run(store, "DELETE FROM tokens WHERE name = ?", "t", name))
		return EXIT_FAILURE;
	if (sqlite3_changes(store->db) == 1)
		return EXIT_SUCCESS;
	fprintf(stderr, "exc-connectd: there is no token %s; see: exc-connectd token list\n", name);
	return EXIT_FAILURE;
}

int token_main(int argc, char **argv, const struct connectd_config *config)
{
	char error[CONNECTD_ERROR_SIZE] = "";
	struct store store;
	int result;

	if (argc < 1)
		return usage_error("token needs add, list or remove");
	if (!store_open(&store, config->database, false, error, sizeof error)) {
		fprintf(stderr, "exc-connectd: %s\n", error);
		return EXIT_FAILURE;
	}
	if (strcmp(argv[0], "add") == 0)
		result = add_token(&store, argc - 1, argv + 1);
	else if (strcmp(argv[0], "list") == 0 && argc == 1)
		result = list_tokens(&store, false);
	else if (strcmp(argv[0], "list") == 0 && argc == 2 && strcmp(argv[1], "--json") == 0)
		result = list_tokens(&store, true);
	else if (strcmp(argv[0], "remove") == 0 && argc == 2)
		result = remove_token(&store, argv[1]);
	else
		result = usage_error("token takes add …, list [--json] and remove NAME");
	store_close(&store);
	return result;
}
