/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the compute API: who makes it, and how it is refused. */
#include "connectd/api/api_call.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "connectd/store/audit_trail.h"
#include "base/clock.h"

#define TRAIL_FAILS "cannot write the audit trail; try again, or ask the operator"

/* A row about this call */
static struct trail_row about(const struct call *call, const char *event, const char *reason)
{
	return (struct trail_row){
		.event = event,
		.caller = call->caller.principal,
		.org = call->caller.org,
		.token_id = call->caller.token_id,
		.user = call->user,
		.vm_id = call->vm_id,
		/* Only of an instance of the caller's: others must not see it. */
		.instance = call->vm_id[0] == '\0' || call->caller.org[0] == '\0'
				    ? 0
				    : instance_id_of(call->service->store, call->vm_id,
						     call->caller.org),
		.decision = call->decision.why,
		.reason = reason,
		.source = call->request->peer,
		.request_id = call->request_id
	};
}

bool call_note(const struct call *call, const char *event, const char *jti, const char *reason)
{
	struct trail_row row = about(call, event, reason);

	row.jti = jti;
	if (trail_append(call->service->store, &row))
		return true;
	respond_error(call->response, 503, CALL_UNAVAILABLE, TRAIL_FAILS, call->request_id);
	return false;
}

void call_refuse(const struct call *call, int status, const char *code, const char *message)
{
	const struct trail_row row = about(call, "refused", code);

	if (call->caller.principal[0] == '\0')
		trail_log(&row);
	else if (!trail_append(call->service->store, &row)) {
		/* No answer goes out that the trail does not have. */
		status = 503;
		code = CALL_UNAVAILABLE;
		message = TRAIL_FAILS;
	}
	respond_error(call->response, status, code, message, call->request_id);
}

bool call_within_rate(const struct call *call, struct rate_limiter *limiter, const char *name)
{
	unsigned int wait = rate_take(limiter, name, clock_monotonic_ms());

	if (wait == 0)
		return true;
	call->service->state->metrics.requests_limited++;
	call->response->retry_after = wait;
	/* Not in the trail: anyone who asks too often would fill it. */
	respond_error(call->response, 429, "compute.rate_limited",
		      "too many requests; wait for the time in Retry-After", call->request_id);
	return false;
}

bool call_identify(struct call *call)
{
	if (iam_identify(call->service->store, call->request->authorization, &call->caller))
		return call_within_rate(call, &call->service->state->by_principal,
					call->caller.principal);
	call->caller = (struct iam_caller){ 0 };
	call_refuse(call, 401, "compute.auth.invalid_token",
		    "send a valid token: Authorization: Bearer TOKEN");
	return false;
}

/* Does the caller's organisation own an instance with this id? */
static bool load_own(const struct call *call, struct instance *instance)
{
	if (!instance_load(call->service->store, call->vm_id, instance))
		return false;
	if (strcmp(instance->org, call->caller.org) == 0)
		return true;
	instance_free(instance);
	return false;
}

bool call_authorize(struct call *call, const char *action, struct instance *instance)
{
	char resource[IAM_RESOURCE_SIZE];

	snprintf(resource, sizeof resource, IAM_INSTANCE_PREFIX "%s", call->vm_id);
	iam_decide(call->service->store, call->caller.principal, action, resource, &call->decision);
	if (!call->decision.allowed) {
		/* The same answer whether the instance exists or not. */
		call_refuse(call, 403, "compute.instance.forbidden",
			    "no policy lets this principal do that to this instance");
		return false;
	}
	if (load_own(call, instance))
		return true;
	/* An instance of another organisation is refused too, whatever the policies say. */
	call->decision.allowed = false;
	snprintf(call->decision.why, sizeof call->decision.why, "%.64s has no such instance",
		 call->caller.org);
	call_refuse(call, 404, "compute.instance.not_found", "no such instance");
	return false;
}
