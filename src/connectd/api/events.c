/* SPDX-License-Identifier: Apache-2.0 */
/* GET /compute/instance/:id/connect/events: what happened with one instance. */
#include "connectd/api/events.h"

#include <stdio.h>
#include <string.h>

#include "connectd/store/audit_trail.h"
#include "connectd/store/timestamp.h"
#include "connectd/store/trail_cursor.h"
#include "base/json.h"
#include "base/number.h"

/* The trail's names, and the API's where they differ */
static const struct {
	const char *trail, *api;
} renamed[] = { { "caller", "principal" }, { "jti", "grant_id" } };

static bool collect_row(void *context, cJSON *row)
{
	return cJSON_AddItemToArray(context, row);
}

/* Turn a row of the trail into one of the answer. */
static void turn_row(cJSON *row)
{
	static const char *const inner[] = { "id",        "hash",      "vm_id",   "token_id",
					     "unix_user", "sudo_user", "instance" };

	for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++)
		cJSON_DeleteItemFromObjectCaseSensitive(row, inner[i]);
	for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
		cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(row, renamed[i].trail);

		if (value != NULL)
			cJSON_AddItemToObject(row, renamed[i].api, value);
	}
}

static bool refuse_parameter(const struct call *call, const char *name, const char *message)
{
	char code[64];

	snprintf(code, sizeof code, "compute.request.invalid_%s", name);
	call_refuse(call, 400, code, message);
	return false;
}

/* A time of the query, if it is there. False with the refusal sent. */
static bool read_time(const struct call *call, const char *name, int64_t *seconds)
{
	const char *text = query_value(&call->request->query, name);

	return text[0] == '\0' || api_time_read(text, seconds) ||
	       refuse_parameter(call, name,
				"since and until are times such as 2026-11-25T03:00:47Z");
}

/* NULL where the query does not have it */
static const char *read_filter(const struct call *call, const char *name)
{
	const char *text = query_value(&call->request->query, name);

	return text[0] == '\0' ? NULL : text;
}

/* What the query asks for: one row more than `limit`, to know whether there are older ones. False
 * with the refusal sent. */
static bool read_query(const struct call *call, struct trail_query *query)
{
	const char *limit = query_value(&call->request->query, "limit");
	const char *before = query_value(&call->request->query, "before");
	unsigned int number = EVENTS_LIMIT_DEFAULT;

	*query = (struct trail_query){ .org = call->caller.org,
				       .principal = read_filter(call, "principal"),
				       .user = read_filter(call, "user"),
				       .event = read_filter(call, "event") };
	if (limit[0] != '\0' && !number_parse(limit, 1, EVENTS_LIMIT_MAX, &number))
		return refuse_parameter(call, "limit", "limit must be a number from 1 to 1000");
	query->limit = (int64_t)number + 1;
	if (before[0] != '\0' && !trail_cursor_read(call->service->store, before, &query->before))
		return refuse_parameter(call, "before",
					"before must be the next of an earlier answer");
	return read_time(call, "since", &query->since) && read_time(call, "until", &query->until);
}

/* Drop the oldest if it is one too many, and say where to go on. False if the store fails. */
static bool end_page(const struct call *call, cJSON *object, cJSON *events, int64_t limit)
{
	char cursor[TRAIL_CURSOR_SIZE];
	int64_t oldest;
	cJSON *row;

	if (cJSON_GetArraySize(events) == limit) {
		cJSON_DeleteItemFromArray(events, 0);
		if (!json_integer(events->child, "id", &oldest) ||
		    !trail_cursor_print(call->service->store, oldest, cursor))
			return false;
		cJSON_AddStringToObject(object, "next", cursor);
	}
	cJSON_ArrayForEach(row, events)
	{
		turn_row(row);
	}
	return true;
}

void events_handle(struct call *call)
{
	struct trail_query query;
	struct instance instance;
	cJSON *object, *events;

	if (!read_query(call, &query) || !call_authorize(call, IAM_AUDIT, &instance))
		return;
	query.instance = instance.id;
	instance_free(&instance);
	object = cJSON_CreateObject();
	cJSON_AddStringToObject(object, "vm_id", call->vm_id);
	events = cJSON_AddArrayToObject(object, "events");
	if (!trail_read(call->service->store, &query, collect_row, events) ||
	    !end_page(call, object, events, query.limit)) {
		cJSON_Delete(object);
		respond_error(call->response, 503, CALL_UNAVAILABLE, "cannot read the trail",
			      call->request_id);
		return;
	}
	/* Who looked is for the next one who looks. */
	if (!call_note(call, "read", NULL, "events")) {
		cJSON_Delete(object);
		return;
	}
	cJSON_AddStringToObject(object, "request_id", call->request_id);
	respond_json(call->response, 200, object);
}
