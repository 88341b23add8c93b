/* SPDX-License-Identifier: Apache-2.0 */
/* The instances that the control plane knows: read one, or find it by where its requests come from.
 */
#ifndef EXC_CONNECTD_STORE_INSTANCE_H
#define EXC_CONNECTD_STORE_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "connectd/store/iam.h"
#include "connectd/store/store.h"
#include "base/network.h"

/* 1 to 64 letters, digits and ._- and a NUL */
#define INSTANCE_VM_ID_SIZE 65
#define INSTANCE_NAME_SIZE 129
#define INSTANCE_HOST_SIZE 254
/* An address and a prefix, such as 2001:db8::/64 */
#define INSTANCE_SOURCE_SIZE NETWORK_TEXT_SIZE
#define INSTANCE_CONSOLE_SIZE 108 /* sun_path of unix(7) */
#define INSTANCE_HOST_KEYS_MAX 16
#define INSTANCE_USERS_MAX 64

/* Which instance */
struct instance_identity {
	int64_t id; /* never used again; 0: none */
	char vm_id[INSTANCE_VM_ID_SIZE];
	char org[IAM_ORG_SIZE];
};

struct instance {
	/* No other instance ever has it: neither one that gets this vm_id later, nor this one in
	 * another organisation. */
	int64_t id;
	char vm_id[INSTANCE_VM_ID_SIZE];
	char name[INSTANCE_NAME_SIZE]; /* empty: none */
	char org[IAM_ORG_SIZE];
	char source[INSTANCE_SOURCE_SIZE]; /* an address or a network */
	char host[INSTANCE_HOST_SIZE]; /* where users, and the tunnel, reach its sshd */
	int port;
	char console[INSTANCE_CONSOLE_SIZE]; /* a Unix socket or a terminal; empty: none */
	cJSON *users; /* texts; none: every user */
	cJSON *host_keys; /* "TYPE BASE64"; the operator's, or else the guest's */
	cJSON *guest_host_keys; /* what the guest reports */
	int64_t host_keys_changed; /* when it reported other ones, seconds since 1970; 0: never */
};

/* Read one. False when it does not exist; on true, call instance_free(). */
bool instance_load(const struct store *store, const char *vm_id, struct instance *instance);
void instance_free(struct instance *instance);

/* Read all, in the order of their ids: call with a statement of instance_select_all() until false.
 */
sqlite3_stmt *instance_select_all(const struct store *store);
bool instance_next(const struct store *store, sqlite3_stmt *statement, struct instance *instance);

/* May a key be for this user? The first of the list is the default. */
bool instance_allows_user(const struct instance *instance, const char *user);
const char *instance_first_user(const struct instance *instance);

/* The id of this organisation's instance; 0 if it has none of this name. */
int64_t instance_id_of(const struct store *store, const char *vm_id, const char *org);

/* Which instance sent a request from `peer`, a numeric address as network_canonical() writes it?
 * The one with exactly this address, or the one with the smallest network that contains it. False
 * when none does. */
bool instance_find_by_source(const struct store *store, const char *peer,
			     struct instance_identity *found);

#endif
