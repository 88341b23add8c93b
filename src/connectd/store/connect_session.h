/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: POST /compute/instance/connect hands them out, and one socket uses each. */
#ifndef EXC_CONNECTD_STORE_CONNECT_SESSION_H
#define EXC_CONNECTD_STORE_CONNECT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "connectd/store/iam.h"
#include "connectd/store/instance.h"
#include "connectd/store/store.h"
#include "base/digest.h"
#include "base/random_name.h"
#include "grant/grant.h"

/* Seconds for which an ended session is remembered */
#define SESSION_KEEP_SECONDS 600

enum session_state {
	SESSION_LIVE,
	SESSION_UNKNOWN, /* none, or no longer remembered */
	SESSION_USED,
	SESSION_EXPIRED,
	SESSION_UNREADABLE /* the store fails */
};

struct connect_session {
	char hash[DIGEST_HEX_SIZE]; /* of its id */
	char jti[RANDOM_NAME_SIZE];
	char fingerprint[FINGERPRINT_SIZE];
	char vm_id[INSTANCE_VM_ID_SIZE];
	int64_t instance; /* the grant's */
	char user[GRANT_USER_SIZE];
	struct iam_caller caller; /* whose grant it is; token_id is empty */
};

/* Find the session with this id. All but SESSION_UNKNOWN and SESSION_UNREADABLE fill `session`. */
enum session_state session_find(const struct store *store, const char *id, int64_t now,
				struct connect_session *session);

/* Take a live session, in one statement: true for exactly one caller, however many try. */
bool session_take(const struct store *store, const struct connect_session *session, int64_t now);

#endif
