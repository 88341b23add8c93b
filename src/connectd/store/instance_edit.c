/* SPDX-License-Identifier: Apache-2.0 */
/* Define an instance: check the operator's values field by field, and store them. */
#include "connectd/store/instance_edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grant/grant.h"
#include "base/json.h"
#include "base/ssh_key.h"
#include "base/number.h"

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define SSH_PORT 22

static bool copy_word(char *out, size_t size, const char *text, const char *allowed)
{
	size_t length = strlen(text);

	if (length == 0 || length >= size || text[0] == '-' || strspn(text, allowed) != length)
		return false;
	memcpy(out, text, length + 1);
	return true;
}

static bool set_vm_id(struct instance *instance, const char *value)
{
	return copy_word(instance->vm_id, sizeof instance->vm_id, value, ALNUM "._-");
}

static bool copy_name(char *out, size_t size, const char *value)
{
	if (!iam_name_is_valid(value, size))
		return false;
	snprintf(out, size, "%s", value);
	return true;
}

static bool set_name(struct instance *instance, const char *value)
{
	return copy_name(instance->name, sizeof instance->name, value);
}

static bool set_org(struct instance *instance, const char *value)
{
	return copy_name(instance->org, sizeof instance->org, value);
}

static bool set_address(struct instance *instance, const char *value)
{
	return network_canonical(value, true, instance->source);
}

static bool set_host(struct instance *instance, const char *value)
{
	return copy_word(instance->host, sizeof instance->host, value, ALNUM ".:-_");
}

static bool set_port(struct instance *instance, const char *value)
{
	unsigned int port;

	if (!number_parse(value, 1, 65535, &port))
		return false;
	instance->port = (int)port;
	return true;
}

static bool set_user(struct instance *instance, const char *value)
{
	return grant_user_is_valid(value) &&
	       cJSON_GetArraySize(instance->users) < INSTANCE_USERS_MAX &&
	       cJSON_AddItemToArray(instance->users, cJSON_CreateString(value));
}

static bool set_host_key(struct instance *instance, const char *value)
{
	struct ssh_key key;

	return cJSON_GetArraySize(instance->host_keys) < INSTANCE_HOST_KEYS_MAX &&
	       ssh_key_parse(value, &key) == SSH_KEY_OK &&
	       cJSON_AddItemToArray(instance->host_keys, cJSON_CreateString(value));
}

static bool set_console(struct instance *instance, const char *value)
{
	return value[0] == '/' && copy_name(instance->console, sizeof instance->console, value);
}

static const struct field {
	const char *option, *member; /* the option's name, and JSON's */
	bool (*set)(struct instance *instance, const char *value);
	const char *expected;
} fields[] = {
	{ "vm_id", "vm_id", set_vm_id, "1 to 64 letters, digits and ._-" },
	{ "name", "name", set_name, "up to 128 printable characters without spaces" },
	{ "org", "org", set_org, "the name of an organisation" },
	{ "address", "address", set_address,
	  "the IP address, or the network in CIDR notation, that the guest's requests come from" },
	{ "host", "host", set_host, "a host name or an address" },
	{ "port", "port", set_port, "1 to 65535" },
	{ "user", "users", set_user, "the name of a Linux user, up to 64 times" },
	{ "host-key", "host_keys", set_host_key,
	  "\"TYPE BASE64\" without a comment, up to 16 times" },
	{ "console", "console", set_console, "the path of a Unix socket or a terminal" },
};
#define FIELD_COUNT (sizeof fields / sizeof fields[0])

void instance_begin(struct instance *instance)
{
	*instance = (struct instance){ .org = "default",
				       .port = SSH_PORT,
				       .users = cJSON_CreateArray(),
				       .host_keys = cJSON_CreateArray() };
}

static bool set_field(struct instance *instance, const struct field *field, const char *value,
		      char *error)
{
	if (value != NULL && field->set(instance, value))
		return true;
	snprintf(error, INSTANCE_ERROR_SIZE, "%s needs %s", field->option, field->expected);
	return false;
}

bool instance_set(struct instance *instance, const char *field, const char *value,
		  char error[INSTANCE_ERROR_SIZE])
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (strcmp(fields[i].option, field) == 0)
			return set_field(instance, &fields[i], value, error);
	snprintf(error, INSTANCE_ERROR_SIZE, "an instance has no field %.64s", field);
	return false;
}

/* A text, a number, or a list of texts */
static bool set_member(struct instance *instance, const struct field *field, const cJSON *value,
		       char *error)
{
	char number[32];
	const cJSON *element;

	if (cJSON_IsNumber(value)) {
		snprintf(number, sizeof number, "%.0f", value->valuedouble);
		return set_field(instance, field, number, error);
	}
	if (!cJSON_IsArray(value))
		return set_field(instance, field, cJSON_GetStringValue(value), error);
	cJSON_ArrayForEach(element, value)
	{
		if (!set_field(instance, field, cJSON_GetStringValue(element), error))
			return false;
	}
	return true;
}

bool instance_set_all(struct instance *instance, const cJSON *object,
		      char error[INSTANCE_ERROR_SIZE])
{
	const cJSON *member;

	cJSON_ArrayForEach(member, object)
	{
		size_t i = 0;

		while (i < FIELD_COUNT && strcmp(fields[i].member, member->string) != 0)
			i++;
		if (i == FIELD_COUNT) {
			snprintf(error, INSTANCE_ERROR_SIZE, "an instance has no field %.64s",
				 member->string);
			return false;
		}
		if (!set_member(instance, &fields[i], member, error))
			return false;
	}
	return true;
}

bool instance_is_whole(const struct instance *instance, char error[INSTANCE_ERROR_SIZE])
{
	if (instance->vm_id[0] != '\0' && instance->source[0] != '\0' && instance->host[0] != '\0')
		return true;
	snprintf(error, INSTANCE_ERROR_SIZE, "an instance needs a vm_id, an address and a host");
	return false;
}

/* An id that none has had. 0 if there is no such organisation. */
static int64_t make_id(const struct store *store, const struct instance *instance)
{
	return store_run(store,
			 "INSERT INTO instance_ids(vm_id, org, created) SELECT ?, name, ?"
			 " FROM orgs WHERE name = ?",
			 "tit", instance->vm_id, (int64_t)time(NULL), instance->org) &&
			       sqlite3_changes(store->db) == 1
		       ? sqlite3_last_insert_rowid(store->db)
		       : 0;
}

bool instance_store(const struct store *store, struct instance *instance, bool replace)
{
	_cleanup_free_ char *users = cJSON_PrintUnformatted(instance->users);
	_cleanup_free_ char *host_keys = cJSON_PrintUnformatted(instance->host_keys);

	instance->id = replace ? instance_id_of(store, instance->vm_id, instance->org) : 0;
	if (instance->id == 0)
		instance->id = make_id(store, instance);
	return instance->id != 0 && users != NULL && host_keys != NULL &&
	       store_run(
		       store,
		       replace ? "INSERT INTO instances(vm_id, name, org, address, host, port,"
				 " users, host_keys, console, id) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,"
				 " ?9,?10) ON CONFLICT(vm_id) DO UPDATE SET name = ?2, org = ?3,"
				 " address = ?4, host = ?5, port = ?6, users = ?7, host_keys = ?8,"
				 " console = ?9, guest_host_keys = CASE id WHEN ?10 THEN"
				 " guest_host_keys END, host_keys_changed = CASE id WHEN ?10 THEN"
				 " host_keys_changed END, id = ?10"
			       : "INSERT INTO instances(vm_id, name, org, address, host, port,"
				 " users, host_keys, console, id) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,"
				 " ?9,?10)",
		       "tttttittti", instance->vm_id, instance->name, instance->org,
		       instance->source, instance->host, (int64_t)instance->port, users, host_keys,
		       instance->console, instance->id);
}
