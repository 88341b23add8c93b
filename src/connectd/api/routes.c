/* SPDX-License-Identifier: Apache-2.0 */
/* The compute API: which function answers which path. */
#include <stdio.h>
#include <string.h>

#include "connectd/store/timestamp.h"
#include "connectd/api/api_call.h"
#include "connectd/api/connect.h"
#include "connectd/api/events.h"
#include "connectd/api/openapi.h"
#include "base/json.h"
#include "base/network.h"

#define METRICS_ACTION "compute:metrics:read"
#define METRICS_RESOURCE "exc:compute:metrics"

/* GET /iam/me: who the token belongs to */
static void answer_me(struct call *call)
{
	_cleanup_statement_ sqlite3_stmt *statement =
		store_prepare(call->service->store, "SELECT expires FROM api_tokens WHERE id = ?",
			      "t", call->caller.token_id);
	char expires_at[API_TIME_SIZE] = "";
	cJSON *object;

	if (!call_note(call, "read", NULL, "me"))
		return;
	object = cJSON_CreateObject();
	if (statement != NULL && store_next(call->service->store, statement) &&
	    sqlite3_column_type(statement, 0) != SQLITE_NULL)
		api_time(sqlite3_column_int64(statement, 0), expires_at);
	cJSON_AddStringToObject(object, "principal", call->caller.principal);
	cJSON_AddStringToObject(object, "org", call->caller.org);
	cJSON_AddStringToObject(object, "token_id", call->caller.token_id);
	cJSON_AddItemToObject(object, "expires_at",
			      expires_at[0] == '\0' ? cJSON_CreateNull()
						    : cJSON_CreateString(expires_at));
	cJSON_AddStringToObject(object, "request_id", call->request_id);
	respond_json(call->response, 200, object);
}

/* GET /healthz: is the database there? Open to anyone. */
static void answer_health(struct call *call)
{
	_cleanup_statement_ sqlite3_stmt *statement =
		store_prepare(call->service->store, "SELECT row FROM audit_head", "");
	bool healthy = statement != NULL && store_next(call->service->store, statement);
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "status", healthy ? "ok" : "unavailable");
	respond_json(call->response, healthy ? 200 : 503, object);
}

/* GET /metrics: for this machine itself, and for those a policy allows. */
static void answer_metrics(struct call *call)
{
	if (!network_is_loopback(call->request->peer)) {
		if (!call_identify(call))
			return;
		iam_decide(call->service->store, call->caller.principal, METRICS_ACTION,
			   METRICS_RESOURCE, &call->decision);
		if (!call->decision.allowed) {
			call_refuse(call, 403, "compute.metrics.forbidden",
				    "no policy lets this principal read the metrics");
			return;
		}
	}
	call->response->body = metrics_print(&call->service->state->metrics);
	call->response->status = call->response->body == NULL ? 500 : 200;
	call->response->type = METRICS_TYPE;
}

/* GET /openapi.json: the API's own description */
static void answer_openapi(struct call *call)
{
	call->response->body = strdup(openapi_json);
	call->response->status = call->response->body == NULL ? 500 : 200;
}

/* A socket's path, without the headers for it (RFC 9110 section 15.5.22) */
static void answer_upgrade_required(struct call *call)
{
	respond_error(call->response, 426, "compute.upgrade_required",
		      "this path takes a WebSocket: send Upgrade: websocket", call->request_id);
}

static const struct route {
	enum http_method method;
	const char *path; /* "*" is an instance's id, or a session's */
	bool is_open; /* open to anyone; otherwise the caller is identified */
	void (*handle)(struct call *call);
} routes[] = {
	{ HTTP_POST, "/compute/instance/connect", false, connect_handle },
	{ HTTP_GET, "/compute/instance/*/connect/events", false, events_handle },
	{ HTTP_GET, "/compute/instance/connect/ws/*", true, answer_upgrade_required },
	{ HTTP_GET, "/compute/instance/connect/tunnel/*", true, answer_upgrade_required },
	{ HTTP_GET, "/compute/instance/console/ws/*", true, answer_upgrade_required },
	{ HTTP_GET, "/iam/me", false, answer_me },
	{ HTTP_GET, "/healthz", true, answer_health },
	{ HTTP_GET, "/metrics", true, answer_metrics },
	{ HTTP_GET, "/openapi.json", true, answer_openapi },
};

/* Does the path match? An id in it is copied to call->vm_id. */
static bool fits(const struct route *route, const char *path, struct call *call)
{
	const char *star = strchr(route->path, '*');
	size_t before = star == NULL ? 0 : (size_t)(star - route->path), length;

	if (star == NULL)
		return strcmp(route->path, path) == 0;
	if (strncmp(route->path, path, before) != 0)
		return false;
	length = strcspn(path + before, "/");
	if (length == 0 || length >= sizeof call->vm_id ||
	    strcmp(path + before + length, star + 1) != 0)
		return false;
	snprintf(call->vm_id, sizeof call->vm_id, "%.*s", (int)length, path + before);
	return iam_name_is_valid(call->vm_id, sizeof call->vm_id);
}

void compute_handle(const struct service *service, const struct http_request *request,
		    struct http_response *response)
{
	struct call call = { .service = service, .request = request, .response = response };
	const struct route *found = NULL;
	bool is_path = false;

	if (!make_request_id(call.request_id)) {
		respond_error(response, 500, "compute.internal", "no random numbers", NULL);
		return;
	}
	for (size_t i = 0; i < sizeof routes / sizeof routes[0] && found == NULL; i++) {
		if (!fits(&routes[i], request->path, &call))
			continue;
		is_path = true;
		if (routes[i].method == request->method)
			found = &routes[i];
	}
	if (found == NULL)
		respond_error(response, is_path ? 405 : 404,
			      is_path ? "compute.method_not_allowed" : "compute.not_found",
			      is_path ? "this path needs another method" : "nothing at this path",
			      call.request_id);
	else if (found->is_open || call_identify(&call))
		found->handle(&call);
}
