/* SPDX-License-Identifier: Apache-2.0 */
/* Define an instance: check the operator's values field by field, and store them. */
#ifndef EXC_CONNECTD_STORE_INSTANCE_EDIT_H
#define EXC_CONNECTD_STORE_INSTANCE_EDIT_H

#include "connectd/store/instance.h"

#define INSTANCE_ERROR_SIZE 256

/* Start with the defaults; call instance_free() afterwards. */
void instance_begin(struct instance *instance);

/* Set one field, by its name in options (after the dashes) and JSON: vm_id, name, org, address,
 * host, port, user, host-key, console. `user` and `host-key` add to their lists. False with `error`
 * when the value is not valid, or there is no such field. */
bool instance_set(struct instance *instance, const char *field, const char *value,
		  char error[INSTANCE_ERROR_SIZE]);

/* Set all fields of an object: the same names with `_`, and `users` and `host_keys` as lists of
 * texts. False with `error`. */
bool instance_set_all(struct instance *instance, const cJSON *object,
		      char error[INSTANCE_ERROR_SIZE]);

/* Is it complete? False with `error`. */
bool instance_is_whole(const struct instance *instance, char error[INSTANCE_ERROR_SIZE]);

/* Store it, and set its internal id; with `replace`, in place of the one with the same vm_id, which
 * keeps its internal id and what its guest reported if it stays in its organisation. In the open
 * transaction, which has to be undone on false: when another has the vm_id or the address, or there
 * is no such organisation. */
bool instance_store(const struct store *store, struct instance *instance, bool replace);

#endif
