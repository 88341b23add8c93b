/* SPDX-License-Identifier: Apache-2.0 */
/* instance: say which instances there are, where their requests come from and where their sshd is.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectd/commands.h"
#include "connectd/store.h"
#include "grant/json.h"
#include "grant/sshkey.h"

#define VM_ID_MAX 64
#define HOST_MAX 253
#define HOST_KEYS_MAX 16
#define ALLOWED "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

struct instance {
	const char *vm_id;
	char address[INET6_ADDRSTRLEN];
	const char *host;
	int64_t port;
	cJSON *host_keys;
};

static bool is_word(const char *text, const char *also, size_t max)
{
	size_t length = strlen(text);

	if (length == 0 || length > max || text[0] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (strchr(ALLOWED, text[i]) == NULL && strchr(also, text[i]) == NULL)
			return false;
	return true;
}

/* The address in the one spelling that the kernel gives for a peer. */
static bool read_address(struct instance *instance, const char *text)
{
	int family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
	unsigned char binary[sizeof(struct in6_addr)];

	return inet_pton(family, text, binary) == 1 &&
	       inet_ntop(family, binary, instance->address, sizeof instance->address) != NULL;
}

static bool read_port(struct instance *instance, const char *text)
{
	instance->port =
		strlen(text) <= 5 && strspn(text, "0123456789") == strlen(text) ? atoi(text) : 0;
	return instance->port >= 1 && instance->port <= 65535;
}

static bool add_host_key(struct instance *instance, const char *text)
{
	struct ssh_key key;

	return cJSON_GetArraySize(instance->host_keys) < HOST_KEYS_MAX &&
	       ssh_key_parse(text, &key) == GRANT_OK &&
	       cJSON_AddItemToArray(instance->host_keys, cJSON_CreateString(text));
}

/* NULL when the arguments are good; otherwise what is wrong. */
static const char *read_arguments(struct instance *instance, int argc, char **argv)
{
	if (argc < 1 || !is_word(argv[0], "._-", VM_ID_MAX))
		return "instance add needs a VM_ID of letters, digits and ._-";
	instance->vm_id = argv[0];
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *name = argv[i], *value = argv[i + 1];

		if (strcmp(name, "--address") == 0) {
			if (!read_address(instance, value))
				return "--address needs the IP address that the guest's requests come from";
		} else if (strcmp(name, "--host") == 0) {
			if (!is_word(value, ".:-_", HOST_MAX))
				return "--host needs a host name or address";
			instance->host = value;
		} else if (strcmp(name, "--port") == 0) {
			if (!read_port(instance, value))
				return "--port is 1 to 65535";
		} else if (strcmp(name, "--host-key") == 0) {
			if (!add_host_key(instance, value))
				return "--host-key needs \"TYPE BASE64\", without a comment";
		} else {
			return "instance add takes --address, --host, --port and --host-key";
		}
	}
	if (argc % 2 == 0)
		return "an option of instance add has no value";
	if (instance->address[0] == '\0' || instance->host == NULL)
		return "instance add needs --address and --host";
	return NULL;
}

static int add_instance(const struct store *store, int argc, char **argv)
{
	_cleanup_json_ cJSON *host_keys = cJSON_CreateArray();
	struct instance instance = { .port = 22, .host_keys = host_keys };
	const char *wrong = read_arguments(&instance, argc, argv);
	_cleanup_free_ char *keys = NULL;

	if (wrong != NULL)
		return usage_error(wrong);
	keys = cJSON_PrintUnformatted(host_keys);
	if (keys == NULL ||
	    !store_run(
		    store,
		    "INSERT INTO instances(vm_id, address, host, port, host_keys) VALUES(?,?,?,?,?)",
		    "tttit", instance.vm_id, instance.address, instance.host, instance.port,
		    keys)) {
		fprintf(stderr,
			"exc-connectd: instance %s was not added; if it, or its address, is there already, "
			"run: exc-connectd instance remove\n",
			instance.vm_id);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static cJSON *row_as_json(sqlite3_stmt *statement)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "vm_id", store_text(statement, 0));
	cJSON_AddStringToObject(object, "address", store_text(statement, 1));
	cJSON_AddStringToObject(object, "host", store_text(statement, 2));
	cJSON_AddNumberToObject(object, "port", sqlite3_column_int(statement, 3));
	cJSON_AddItemToObject(object, "host_keys", cJSON_Parse(store_text(statement, 4)));
	cJSON_AddItemToObject(object, "guest_host_keys", cJSON_Parse(store_text(statement, 5)));
	return object;
}

static int list_instances(const struct store *store, bool json)
{
	_cleanup_statement_ sqlite3_stmt *statement = store_prepare(
		store,
		"SELECT vm_id, address, host, port, host_keys, ifnull(guest_host_keys, '[]')"
		" FROM instances ORDER BY vm_id",
		"");
	_cleanup_json_ cJSON *array = cJSON_CreateArray();
	_cleanup_free_ char *text = NULL;

	while (statement != NULL && store_next(store, statement)) {
		if (json)
			cJSON_AddItemToArray(array, row_as_json(statement));
		else
			printf("%s address=%s host=%s port=%d\n", store_text(statement, 0),
			       store_text(statement, 1), store_text(statement, 2),
			       sqlite3_column_int(statement, 3));
	}
	if (json && (text = cJSON_Print(array)) != NULL)
		puts(text);
	return statement == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int remove_instance(const struct store *store, const char *vm_id)
{
	if (!store_run(store, "DELETE FROM instances WHERE vm_id = ?", "t", vm_id))
		return EXIT_FAILURE;
	if (sqlite3_changes(store->db) == 1)
		return EXIT_SUCCESS;
	fprintf(stderr, "exc-connectd: there is no instance %s; see: exc-connectd instance list\n",
		vm_id);
	return EXIT_FAILURE;
}

int instance_main(int argc, char **argv, const struct connectd_config *config)
{
	char error[CONNECTD_ERROR_SIZE] = "";
	struct store store;
	int result;

	if (argc < 1)
		return usage_error("instance needs add, list or remove");
	if (!store_open(&store, config->database, false, error, sizeof error)) {
		fprintf(stderr, "exc-connectd: %s\n", error);
		return EXIT_FAILURE;
	}
	if (strcmp(argv[0], "add") == 0)
		result = add_instance(&store, argc - 1, argv + 1);
	else if (strcmp(argv[0], "list") == 0 && argc == 1)
		result = list_instances(&store, false);
	else if (strcmp(argv[0], "list") == 0 && argc == 2 && strcmp(argv[1], "--json") == 0)
		result = list_instances(&store, true);
	else if (strcmp(argv[0], "remove") == 0 && argc == 2)
		result = remove_instance(&store, argv[1]);
	else
		result = usage_error("instance takes add …, list [--json] and remove VM_ID");
	store_close(&store);
	return result;
}
