/* SPDX-License-Identifier: Apache-2.0 */
/* GET /compute/instance/:id/connect/events: what happened with one instance. */
#include "connectd/api/events.h"

#include <string.h>

#include "connectd/store/audit_trail.h"
#include "base/json.h"
#include "base/number.h"

/* The trail's names, and the API's where they differ */
static const struct {
	const char *trail, *api;
} renamed[] = { { "caller", "principal" }, { "jti", "grant_id" } };

/* Turn a row of the trail into one of the answer. */
static bool take_row(void *context, cJSON *row)
{
	static const char *const inner[] = { "id",       "hash",      "vm_id",
					     "token_id", "unix_user", "sudo_user" };

	for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++)
		cJSON_DeleteItemFromObjectCaseSensitive(row, inner[i]);
	for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
		cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(row, renamed[i].trail);

		if (value != NULL)
			cJSON_AddItemToObject(row, renamed[i].api, value);
	}
	return cJSON_AddItemToArray(context, row);
}

/* `limit` of the query; 0 when it is not valid. */
static unsigned int read_limit(const char *text)
{
	unsigned int limit = 0;

	if (text[0] == '\0')
		return EVENTS_LIMIT_DEFAULT;
	number_parse(text, 1, EVENTS_LIMIT_MAX, &limit);
	return limit;
}

void events_handle(struct call *call)
{
	struct trail_query query = { .vm_id = call->vm_id,
				     .limit = read_limit(
					     query_value(&call->request->query, "limit")) };
	struct instance instance;
	cJSON *object, *events;

	if (query.limit == 0) {
		call_refuse(call, 400, "compute.request.invalid_limit",
			    "limit must be a number from 1 to 1000");
		return;
	}
	if (!call_authorize(call, IAM_AUDIT, &instance))
		return;
	instance_free(&instance);
	object = cJSON_CreateObject();
	cJSON_AddStringToObject(object, "vm_id", call->vm_id);
	events = cJSON_AddArrayToObject(object, "events");
	/* Who looked is for the next one who looks. */
	if (trail_read(call->service->store, &query, take_row, events)) {
		if (!call_note(call, "read", NULL, "events")) {
			cJSON_Delete(object);
			return;
		}
		cJSON_AddStringToObject(object, "request_id", call->request_id);
		respond_json(call->response, 200, object);
		return;
	}
	cJSON_Delete(object);
	respond_error(call->response, 503, CALL_UNAVAILABLE, "cannot read the trail",
		      call->request_id);
}
