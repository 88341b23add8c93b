/* SPDX-License-Identifier: Apache-2.0 */
/* instance: define the instances, where their requests come from and where their sshd is. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectd/commands.h"
#include "connectd/store/instance_edit.h"
#include "base/json.h"
#include "base/printable.h"

/* Bytes of a list to import: some ten thousand instances */
#define IMPORT_BYTES_MAX (16 * 1024 * 1024)

/* NULL when the arguments are good; otherwise what is wrong, in `error`. */
static bool read_arguments(struct instance *instance, int argc, char **argv, char *error)
{
	if (argc < 1 || !instance_set(instance, "vm_id", argv[0], error))
		return false;
	for (int i = 1; i < argc; i += 2) {
		if (strncmp(argv[i], "--", 2) != 0 || strcmp(argv[i], "--vm_id") == 0 ||
		    i + 1 == argc) {
			snprintf(error, INSTANCE_ERROR_SIZE, "%.64s is not an option with a value",
				 argv[i]);
			return false;
		}
		if (!instance_set(instance, argv[i] + 2, argv[i + 1], error))
			return false;
	}
	return instance_is_whole(instance, error);
}

static int add(const struct store *store, struct instance *instance)
{
	if (!command_begin(store))
		return EXIT_FAILURE;
	if (!instance_store(store, instance, false))
		return command_fail(
			"cannot add instance %s: if it exists, or its address is in use "
			"already, run: exc-connectd instance remove; if there is no org "
			"%s: exc-connectd org add",
			instance->vm_id, instance->org);
	return command_commit(store, instance, "instance add %s", instance->vm_id) ? EXIT_SUCCESS
										   : EXIT_FAILURE;
}

static int instance_add(const struct store *store, int argc, char **argv)
{
	char error[INSTANCE_ERROR_SIZE] = "instance add needs a VM_ID";
	struct instance instance;
	int result;

	instance_begin(&instance);
	result = read_arguments(&instance, argc, argv, error) ? add(store, &instance)
							      : usage_error(error);
	instance_free(&instance);
	return result;
}

static cJSON *as_json(const struct instance *instance)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "vm_id", instance->vm_id);
	cJSON_AddStringToObject(object, "name", instance->name);
	cJSON_AddStringToObject(object, "org", instance->org);
	cJSON_AddStringToObject(object, "address", instance->source);
	cJSON_AddStringToObject(object, "host", instance->host);
	cJSON_AddNumberToObject(object, "port", instance->port);
	cJSON_AddItemToObject(object, "users", cJSON_Duplicate(instance->users, true));
	cJSON_AddStringToObject(object, "console", instance->console);
	cJSON_AddItemToObject(object, "host_keys", cJSON_Duplicate(instance->host_keys, true));
	cJSON_AddItemToObject(object, "guest_host_keys",
			      cJSON_Duplicate(instance->guest_host_keys, true));
	cJSON_AddBoolToObject(object, "host_keys_changed", instance->host_keys_changed != 0);
	return object;
}

static void print_line(const struct instance *instance)
{
	char port[16];

	snprintf(port, sizeof port, "%d", instance->port);
	printable_put_word(stdout, instance->vm_id);
	command_print_field("address", instance->source);
	command_print_field("host", instance->host);
	command_print_field("port", port);
	if (instance->name[0] != '\0')
		command_print_field("name", instance->name);
	command_print_field("org", instance->org);
	printf("%s%s\n", instance->console[0] == '\0' ? "" : " console",
	       instance->host_keys_changed == 0 ? "" : " HOST-KEYS-CHANGED");
}

static int list(const struct store *store, int argc, char **argv)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	cJSON *array = cJSON_CreateArray();
	struct instance instance;
	bool json;

	if (!command_takes_json(argc, argv, &json)) {
		cJSON_Delete(array);
		return usage_error("instance list takes --json");
	}
	statement = instance_select_all(store);
	while (instance_next(store, statement, &instance)) {
		if (json)
			cJSON_AddItemToArray(array, as_json(&instance));
		else
			print_line(&instance);
		instance_free(&instance);
	}
	if (json)
		return command_print_json(array);
	cJSON_Delete(array);
	return statement == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int no_such_instance(const char *vm_id)
{
	return command_fail("no instance %s; see: exc-connectd instance list", vm_id);
}

static int show(const struct store *store, int argc, char **argv)
{
	struct instance instance;
	int result;

	if (argc != 1)
		return usage_error("instance show needs a VM_ID");
	if (!instance_load(store, argv[0], &instance))
		return no_such_instance(argv[0]);
	result = command_print_json(as_json(&instance));
	instance_free(&instance);
	return result;
}

/* Change the row of one instance. */
static int change(const struct store *store, int argc, char **argv, const char *verb,
		  const char *sql)
{
	char usage[64];
	struct instance instance;
	int result = EXIT_FAILURE;

	if (argc != 1) {
		snprintf(usage, sizeof usage, "instance %s needs a VM_ID", verb);
		return usage_error(usage);
	}
	if (!command_begin(store))
		return EXIT_FAILURE;
	if (!instance_load(store, argv[0], &instance))
		return no_such_instance(argv[0]);
	if (store_run(store, sql, "t", argv[0]) &&
	    command_commit(store, &instance, "instance %s %s", verb, argv[0]))
		result = EXIT_SUCCESS;
	instance_free(&instance);
	return result;
}

static int remove_one(const struct store *store, int argc, char **argv)
{
	return change(store, argc, argv, "remove", "DELETE FROM instances WHERE vm_id = ?");
}

/* The host keys that its guest reports next are new, not changed. */
static int rebuilt(const struct store *store, int argc, char **argv)
{
	return change(store, argc, argv, "rebuilt",
		      "UPDATE instances SET guest_host_keys = NULL, host_keys_changed = NULL"
		      " WHERE vm_id = ?");
}

/* Everything about an instance as text, empty for none; the caller frees. NULL: no memory. */
static char *describe(const struct store *store, const char *vm_id)
{
	_cleanup_json_ cJSON *object = NULL;
	struct instance instance;

	if (!instance_load(store, vm_id, &instance))
		return strdup("");
	object = as_json(&instance);
	instance_free(&instance);
	return cJSON_PrintUnformatted(object);
}

/* Store one, with a row if that changes anything. */
static bool import_instance(const struct store *store, struct instance *instance)
{
	_cleanup_free_ char *before = describe(store, instance->vm_id), *after = NULL;

	if (before == NULL || !instance_store(store, instance, true))
		return false;
	after = describe(store, instance->vm_id);
	return after != NULL &&
	       (strcmp(before, after) == 0 ||
		command_note(store, instance, "instance import %s", instance->vm_id));
}

/* Store one of a list, numbered from 1. False after a message on stderr. */
static bool import_one(const struct store *store, const cJSON *object, int number)
{
	char error[INSTANCE_ERROR_SIZE] = "is not an object";
	struct instance instance;
	bool stored = false;

	instance_begin(&instance);
	if (!cJSON_IsObject(object) || !instance_set_all(&instance, object, error) ||
	    !instance_is_whole(&instance, error))
		command_fail("instance %d of the list: %s", number, error);
	else if (!import_instance(store, &instance))
		command_fail(
			"cannot store instance %s: does another have its address, or is there no "
			"org %s?",
			instance.vm_id, instance.org);
	else
		stored = true;
	instance_free(&instance);
	return stored;
}

/* All of the list or none of it */
static int import_list(const struct store *store, const cJSON *list)
{
	const cJSON *object;
	int number = 0;
	bool good = command_begin(store);

	cJSON_ArrayForEach(object, list)
	{
		good = good && import_one(store, object, ++number);
	}
	if (!good || !command_commit(store, NULL, "instance import of %d", number))
		return command_fail("nothing was imported");
	printf("%d instances imported\n", number);
	return EXIT_SUCCESS;
}

static int import(const struct store *store, int argc, char **argv)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ cJSON *list = NULL;

	if (argc != 1)
		return usage_error("instance import needs a FILE, or - for standard input");
	text = command_read_file(argv[0], IMPORT_BYTES_MAX);
	if (text == NULL)
		return EXIT_FAILURE;
	/* Not json_parse(), which only takes objects, of a message's size. */
	list = cJSON_ParseWithOpts(text, NULL, true);
	if (!cJSON_IsArray(list))
		return command_fail("%s: not a JSON list of instances", argv[0]);
	return import_list(store, list);
}

int instance_main(int argc, char **argv, const struct connectd_config *config)
{
	static const struct verb verbs[] = {
		{ "add", instance_add },  { "list", list },       { "show", show },
		{ "remove", remove_one }, { "rebuilt", rebuilt }, { "import", import },
	};

	return command_run_verb(argc, argv, config, verbs, sizeof verbs / sizeof verbs[0],
				"instance needs add, list, show, remove, rebuilt or import");
}
