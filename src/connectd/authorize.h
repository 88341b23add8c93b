/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls, and may they connect to this instance? */
#ifndef EXC_AUTHORIZE_H
#define EXC_AUTHORIZE_H

#include <stdbool.h>

#include "connectd/store.h"

#define CALLER_SIZE 129

/* Whose token is in this Authorization header ("Bearer …")? False when it is nobody's. */
bool authorize_caller(const struct store *store, const char *authorization,
		      char caller[CALLER_SIZE]);

/* May this caller connect to this instance? Whatever is not allowed by name, or by '*', is denied.
 */
bool authorize_connect(const struct store *store, const char *caller, const char *vm_id);

#endif
