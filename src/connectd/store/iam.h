/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls, and may they do this? Principals, organisations and their policies in the store. */
#ifndef EXC_CONNECTD_STORE_IAM_H
#define EXC_CONNECTD_STORE_IAM_H

#include <stdbool.h>

#include "connectd/store/store.h"

/* Such as "user:ana" or "service:ci" */
#define IAM_PRINCIPAL_SIZE 129
#define IAM_ORG_SIZE 65
#define IAM_POLICY_SIZE 129
/* "tok_" and 16 hexadecimal digits */
#define IAM_TOKEN_ID_SIZE 21
#define IAM_WHY_SIZE 384

#define IAM_CONNECT "compute:instance:connect"
#define IAM_CONSOLE "compute:instance:console"
#define IAM_AUDIT "compute:instance:audit"
/* A resource is this and the instance's id. */
#define IAM_INSTANCE_PREFIX "exc:compute:instance/"
#define IAM_RESOURCE_SIZE (sizeof IAM_INSTANCE_PREFIX + 64)

struct iam_caller {
	char principal[IAM_PRINCIPAL_SIZE];
	char org[IAM_ORG_SIZE];
	char token_id[IAM_TOKEN_ID_SIZE];
};

struct iam_decision {
	bool allowed;
	char why[IAM_WHY_SIZE]; /* the statement that decided, for the trail and for people */
};

/* Whose token is in this Authorization header ("Bearer …")? False when it is unknown, has expired
 * or was revoked. */
bool iam_identify(const struct store *store, const char *authorization, struct iam_caller *caller);

/* May this principal do `action` to `resource`? Its own policies and the managed ones decide; by
 * default nothing is allowed. */
void iam_decide(const struct store *store, const char *principal, const char *action,
		const char *resource, struct iam_decision *decision);

/* Is this a name that people can read in logs: printable, without spaces, shorter than `size`, and
 * not an option? */
bool iam_name_is_valid(const char *name, size_t size);

#endif
