/* SPDX-License-Identifier: Apache-2.0 */
/* The instances that the control plane knows: read one, or find it by where its requests come from.
 */
#include "connectd/instance.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grant/json.h"

#define COLUMNS                                                                                    \
	"vm_id, name, org, address, host, port, console, users, CASE host_keys WHEN '[]' THEN"     \
	" ifnull(guest_host_keys, '[]') ELSE host_keys END, ifnull(guest_host_keys, '[]'), host_keys_changed"

/* A network, or one address with all of its bits */
struct network {
	int family;
	unsigned char bytes[sizeof(struct in6_addr)];
	unsigned int prefix; /* bits */
};

static unsigned int family_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* Bits after the prefix must be zero: who writes others means something else. */
static bool is_network(const struct network *network)
{
	for (unsigned int bit = network->prefix; bit < family_bits(network->family); bit++)
		if ((network->bytes[bit / 8] & (0x80 >> bit % 8)) != 0)
			return false;
	return true;
}

static bool read_network(const char *text, struct network *network)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);

	if (length >= sizeof address)
		return false;
	snprintf(address, sizeof address, "%.*s", (int)length, text);
	network->family = strchr(address, ':') == NULL ? AF_INET : AF_INET6;
	network->prefix = family_bits(network->family);
	if (inet_pton(network->family, address, network->bytes) != 1)
		return false;
	if (slash == NULL)
		return true;
	slash++;
	if (slash[0] == '\0' || strlen(slash) > 3 || strspn(slash, "0123456789") != strlen(slash) ||
	    (unsigned int)atoi(slash) > network->prefix)
		return false;
	network->prefix = (unsigned int)atoi(slash);
	return is_network(network);
}

bool instance_canonical_source(const char *text, char source[INSTANCE_SOURCE_SIZE])
{
	char address[INET6_ADDRSTRLEN];
	struct network network;

	if (!read_network(text, &network) ||
	    inet_ntop(network.family, network.bytes, address, sizeof address) == NULL)
		return false;
	if (network.prefix == family_bits(network.family))
		snprintf(source, INSTANCE_SOURCE_SIZE, "%s", address);
	else
		snprintf(source, INSTANCE_SOURCE_SIZE, "%s/%u", address, network.prefix);
	return true;
}

static bool is_in(const struct network *network, const struct network *peer)
{
	if (network->family != peer->family)
		return false;
	for (unsigned int bit = 0; bit < network->prefix; bit++)
		if (((network->bytes[bit / 8] ^ peer->bytes[bit / 8]) & (0x80 >> bit % 8)) != 0)
			return false;
	return true;
}

bool instance_find_by_source(const struct store *store, const char *peer,
			     char vm_id[INSTANCE_VM_ID_SIZE])
{
	_cleanup_statement_ sqlite3_stmt *exact =
		store_prepare(store, "SELECT vm_id FROM instances WHERE address = ?", "t", peer);
	_cleanup_statement_ sqlite3_stmt *networks = NULL;
	struct network address, network;
	int longest = -1;

	if (exact != NULL && store_next(store, exact)) {
		snprintf(vm_id, INSTANCE_VM_ID_SIZE, "%s", store_text(exact, 0));
		return true;
	}
	if (!read_network(peer, &address))
		return false;
	networks = store_prepare(
		store, "SELECT vm_id, address FROM instances WHERE instr(address, '/') > 0", "");
	/* Bounded by the instances that have a network: on most clouds none has. */
	while (networks != NULL && store_next(store, networks)) {
		if (!read_network(store_text(networks, 1), &network) ||
		    !is_in(&network, &address) || (int)network.prefix <= longest)
			continue;
		longest = (int)network.prefix;
		snprintf(vm_id, INSTANCE_VM_ID_SIZE, "%s", store_text(networks, 0));
	}
	return longest >= 0;
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
