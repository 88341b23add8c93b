/* SPDX-License-Identifier: Apache-2.0 */
/* The instances that the control plane knows: read one, or find it by where its requests come from.
 */
#include "connectd/store/instance.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/network.h"

#define COLUMNS                                                                                    \
	"vm_id, name, org, address, host, port, console, users, CASE host_keys WHEN '[]' THEN"     \
	" ifnull(guest_host_keys, '[]') ELSE host_keys END, ifnull(guest_host_keys, '[]'), host_keys_changed, id"

static void read_identity(sqlite3_stmt *row, struct instance_identity *found)
{
	found->id = sqlite3_column_int64(row, 0);
	snprintf(found->vm_id, sizeof found->vm_id, "%s", store_text(row, 1));
	snprintf(found->org, sizeof found->org, "%s", store_text(row, 2));
}

bool instance_find_by_source(const struct store *store, const char *peer,
			     struct instance_identity *found)
{
	_cleanup_statement_ sqlite3_stmt *exact = store_prepare(
		store, "SELECT id, vm_id, org FROM instances WHERE address = ?", "t", peer);
	_cleanup_statement_ sqlite3_stmt *networks = NULL;
	struct network address, network;
	int longest = -1;

	if (exact != NULL && store_next(store, exact)) {
		read_identity(exact, found);
		return true;
	}
	if (!network_parse(peer, &address))
		return false;
	networks = store_prepare(
		store,
		"SELECT id, vm_id, org, address FROM instances WHERE instr(address, '/') > 0", "");
	/* Bounded by the instances that have a network: on most clouds none. */
	while (networks != NULL && store_next(store, networks)) {
		if (!network_parse(store_text(networks, 3), &network) ||
		    !network_contains(&network, &address) || (int)network.prefix <= longest)
			continue;
		longest = (int)network.prefix;
		read_identity(networks, found);
	}
	return longest >= 0;
}

int64_t instance_id_of(const struct store *store, const char *vm_id, const char *org)
{
	_cleanup_statement_ sqlite3_stmt *statement = store_prepare(
		store, "SELECT id FROM instances WHERE vm_id = ? AND org = ?", "tt", vm_id, org);

	return statement != NULL && store_next(store, statement)
		       ? sqlite3_column_int64(statement, 0)
		       : 0;
}

sqlite3_stmt *instance_select_all(const struct store *store)
{
	return store_prepare(store, "SELECT " COLUMNS " FROM instances ORDER BY vm_id", "");
}

bool instance_next(const struct store *store, sqlite3_stmt *statement, struct instance *instance)
{
	if (statement == NULL || !store_next(store, statement))
		return false;
	memset(instance, 0, sizeof *instance);
	snprintf(instance->vm_id, sizeof instance->vm_id, "%s", store_text(statement, 0));
	snprintf(instance->name, sizeof instance->name, "%s", store_text(statement, 1));
	snprintf(instance->org, sizeof instance->org, "%s", store_text(statement, 2));
	snprintf(instance->source, sizeof instance->source, "%s", store_text(statement, 3));
	snprintf(instance->host, sizeof instance->host, "%s", store_text(statement, 4));
	instance->port = sqlite3_column_int(statement, 5);
	snprintf(instance->console, sizeof instance->console, "%s", store_text(statement, 6));
	instance->users = cJSON_Parse(store_text(statement, 7));
	instance->host_keys = cJSON_Parse(store_text(statement, 8));
	instance->guest_host_keys = cJSON_Parse(store_text(statement, 9));
	instance->host_keys_changed = sqlite3_column_int64(statement, 10);
	instance->id = sqlite3_column_int64(statement, 11);
	return true;
}

bool instance_load(const struct store *store, const char *vm_id, struct instance *instance)
{
	_cleanup_statement_ sqlite3_stmt *statement = store_prepare(
		store, "SELECT " COLUMNS " FROM instances WHERE vm_id = ?", "t", vm_id);

	return instance_next(store, statement, instance);
}

void instance_free(struct instance *instance)
{
	cJSON_Delete(instance->users);
	cJSON_Delete(instance->host_keys);
	cJSON_Delete(instance->guest_host_keys);
	memset(instance, 0, sizeof *instance);
}

bool instance_allows_user(const struct instance *instance, const char *user)
{
	const cJSON *allowed;

	if (cJSON_GetArraySize(instance->users) == 0)
		return true;
	cJSON_ArrayForEach(allowed, instance->users)
	{
		if (strcmp(cJSON_GetStringValue(allowed), user) == 0)
			return true;
	}
	return false;
}

const char *instance_first_user(const struct instance *instance)
{
	return cJSON_GetStringValue(cJSON_GetArrayItem(instance->users, 0));
}
