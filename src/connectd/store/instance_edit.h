/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator says of an instance: checked field by field, and stored. */
#ifndef EXC_INSTANCE_EDIT_H
#define EXC_INSTANCE_EDIT_H

#include "connectd/store/instance.h"

#define INSTANCE_ERROR_SIZE 256

/* Start with the defaults; instance_free() it. */
void instance_begin(struct instance *instance);

/* Set one field, by the name that options (after the dashes) and JSON have: vm_id, name, org,
 * address, host, port, user, host-key, console. `user` and `host-key` add to their lists. False
 * with `error` when the value is none, or there is no such field. */
bool instance_set(struct instance *instance, const char *field, const char *value,
		  char error[INSTANCE_ERROR_SIZE]);

/* Set all fields that an object has: the same names with `_`, and `users` and `host_keys` as lists
 * of texts. False with `error`. */
bool instance_set_all(struct instance *instance, const cJSON *object,
		      char error[INSTANCE_ERROR_SIZE]);

/* Is it whole? False with `error`. */
bool instance_is_whole(const struct instance *instance, char error[INSTANCE_ERROR_SIZE]);

/* Store it; with `replace`, in place of the one with the same id, which keeps what its guest has
 * said. False when the id or the address is another's, or there is no such organisation. */
bool instance_store(const struct store *store, const struct instance *instance, bool replace);

#endif
