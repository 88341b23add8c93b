/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the compute API: who makes it, and how it is refused. */
#ifndef EXC_CONNECTD_API_API_CALL_H
#define EXC_CONNECTD_API_API_CALL_H

#include <stdbool.h>

#include "connectd/store/iam.h"
#include "connectd/store/instance.h"
#include "connectd/api/service.h"
#include "grant/grant.h"

struct call {
	const struct service *service;
	const struct http_request *request;
	struct http_response *response;
	char request_id[REQUEST_ID_SIZE];
	struct iam_caller caller; /* all empty until call_identify() */
	char vm_id[INSTANCE_VM_ID_SIZE]; /* empty until it is known */
	char user[GRANT_USER_SIZE]; /* the same */
	struct iam_decision decision; /* the last one, for the trail */
};

#define CALL_UNAVAILABLE "compute.unavailable"

/* Answer with an error of this code, and note it in the trail; for unknown callers only in the log.
 * 503 if the trail cannot be written. */
void call_refuse(const struct call *call, int status, const char *code, const char *message);

/* Note in the trail that the caller got what it asked for: `event`, and `reason`, which may be
 * NULL. False with the refusal sent: no answer goes out that the trail does not have. */
bool call_note(const struct call *call, const char *event, const char *jti, const char *reason);

/* Is this name within its rate? False with the refusal sent (429). */
bool call_within_rate(const struct call *call, struct rate_limiter *limiter, const char *name);

/* Find the token's principal, and check its rate. False with the refusal sent (401, 429). */
bool call_identify(struct call *call);

/* Load the instance call->vm_id if the caller may do `action` to it. False with the refusal sent:
 * 403 if no policy allows it, whether there is such an instance or not; 404 if the caller's
 * organisation has no such instance. On true, the caller has to instance_free() the instance. */
bool call_authorize(struct call *call, const char *action, struct instance *instance);

#endif
