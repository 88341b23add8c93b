/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata endpoint: guests, known by their address, fetch grants and send receipts and host
 * keys. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "connectd/api/guest_host_keys.h"
#include "connectd/store/instance.h"
#include "connectd/api/service.h"
#include "connectd/store/audit_trail.h"
#include "grant/grant.h"
#include "base/json.h"
#include "base/network.h"
#include "grant/signed_time.h"

#define API "/v1/instance-connect/"
#define NONCE_MAX 128
/* Grants of one answer, as many as an agent reads */
#define GRANTS_MAX "16"
/* Receipts of one request */
#define RECEIPTS_MAX 256
/* 4294967295, the largest, is none. */
#define AUDIT_SESSION_DIGITS_MAX 10

static void deny(struct http_response *response, int status, const char *code, const char *message)
{
	respond_error(response, status, code, message, NULL);
}

static bool nonce_is_valid(const char *nonce)
{
	size_t length = strlen(nonce);

	return length > 0 && length <= NONCE_MAX &&
	       strspn(nonce, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		       length;
}

/* The time, signed for this request alone. */
static char *sign_time(const struct service *service, const char *vm_id, const char *nonce)
{
	char payload[sizeof GRANT_AUDIENCE_PREFIX + INSTANCE_VM_ID_SIZE + NONCE_MAX + 64];

	/* No value has characters that JSON escapes. */
	snprintf(payload, sizeof payload,
		 "{\"aud\":\"" GRANT_AUDIENCE_PREFIX "%s\",\"nonce\":\"%s\",\"iat\":%lld}", vm_id,
		 nonce, (long long)time(NULL));
	return signing_key_sign(service->key, SIGNED_TIME_TYP, payload);
}

/* Add the row's grant to the answer and, if it is served for the first time, to that list. */
static void add_grant(sqlite3_stmt *row, cJSON *grants, cJSON *first_served)
{
	cJSON_AddItemToArray(grants, cJSON_CreateString(store_text(row, 0)));
	if (sqlite3_column_type(row, 2) == SQLITE_NULL)
		cJSON_AddItemToArray(first_served, cJSON_CreateString(store_text(row, 1)));
}

/* What a row of the trail about a grant has of it */
#define GRANT_COLUMNS "caller, user, fingerprint, request_id, command, allowed_source"

/* A row about this grant, whose GRANT_COLUMNS come first; it borrows from all of them. */
static struct trail_row row_of_grant(const char *event, const struct instance_identity *instance,
				     const char *jti, sqlite3_stmt *grant)
{
	return (struct trail_row){ .event = event,
				   .caller = store_text(grant, 0),
				   .user = store_text(grant, 1),
				   .vm_id = instance->vm_id,
				   .org = instance->org,
				   .instance = instance->id,
				   .jti = jti,
				   .fingerprint = store_text(grant, 2),
				   .request_id = store_text(grant, 3),
				   .command = store_text(grant, 4),
				   .allowed_source = store_text(grant, 5) };
}

static bool note_served(const struct store *store, const struct instance_identity *instance,
			const char *jti, const char *peer)
{
	_cleanup_statement_ sqlite3_stmt *grant = store_prepare(
		store, "SELECT " GRANT_COLUMNS " FROM grants WHERE jti = ?", "t", jti);
	struct trail_row row;

	if (grant == NULL || !store_next(store, grant))
		return false;
	row = row_of_grant("served", instance, jti, grant);
	row.source = peer;
	return store_run(store, "UPDATE grants SET served_at = ? WHERE jti = ?", "it",
			 (int64_t)time(NULL), jti) &&
	       trail_append(store, &row);
}

/* The first time that a grant is served gets a row. If that cannot be written, the guest gets its
 * grant all the same, for there is a row that it was issued; the next time is then the first. */
static void note_all_served(const struct store *store, const struct instance_identity *instance,
			    const cJSON *first_served, const char *peer)
{
	const cJSON *jti;
	bool good = true;

	/* One commit for all of them */
	if (first_served->child == NULL || !store_begin(store))
		return;
	cJSON_ArrayForEach(jti, first_served)
	{
		good = good && note_served(store, instance, jti->valuestring, peer);
	}
	store_end(store, good);
}

/* A plus not written as %2B has become a space, which no fingerprint has. */
static void read_fingerprint(const struct query *query, char fingerprint[QUERY_PAIR_SIZE])
{
	snprintf(fingerprint, QUERY_PAIR_SIZE, "%s", query_value(query, "fingerprint"));
	for (char *space = fingerprint; (space = strchr(space, ' ')) != NULL;)
		*space = '+';
}

static void get_grants(const struct service *service, const struct http_request *request,
		       struct http_response *response, const struct instance_identity *instance)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	_cleanup_json_ cJSON *first_served = cJSON_CreateArray();
	_cleanup_free_ char *signed_time = NULL;
	const char *user = query_value(&request->query, "user");
	const char *nonce = query_value(&request->query, "nonce");
	char fingerprint[QUERY_PAIR_SIZE];
	cJSON *object, *grants;

	if (!grant_user_is_valid(user)) {
		deny(response, 400, "metadata.request.invalid",
		     "user must be the name of a Linux user");
		return;
	}
	read_fingerprint(&request->query, fingerprint);
	statement = store_prepare(
		service->store,
		"SELECT jws, jti, served_at FROM grants"
		" WHERE instance = ?1 AND user = ?2 AND expires > ?3 AND used_at IS NULL"
		" AND ?4 IN ('', fingerprint) ORDER BY expires DESC LIMIT " GRANTS_MAX,
		"itit", instance->id, user, (int64_t)time(NULL), fingerprint);
	object = cJSON_CreateObject();
	cJSON_AddStringToObject(object, "instance_id", instance->vm_id);
	grants = cJSON_AddArrayToObject(object, "grants");
	while (statement != NULL && store_next(service->store, statement))
		add_grant(statement, grants, first_served);
	if (nonce_is_valid(nonce)) {
		signed_time = sign_time(service, instance->vm_id, nonce);
		/* The guest would take none of them. */
		if (signed_time == NULL && grants->child != NULL) {
			cJSON_Delete(object);
			deny(response, 503, "metadata.unavailable",
			     "the time could not be signed; try again");
			return;
		}
	}
	service->state->metrics.grants_served += (uint64_t)cJSON_GetArraySize(grants);
	note_all_served(service->store, instance, first_served, request->peer);
	if (signed_time != NULL)
		cJSON_AddStringToObject(object, "time", signed_time);
	respond_json(response, 200, object);
}

/* A number without its sign, as the kernel writes the id of an audit session, or NULL */
static const char *read_audit_session(const cJSON *receipt)
{
	const char *text = json_string(receipt, "audit_session");
	size_t digits = text == NULL ? 0 : strspn(text, "0123456789");

	return digits > 0 && digits <= AUDIT_SESSION_DIGITS_MAX && text[digits] == '\0' ? text
											: NULL;
}

/* Mark one grant of this instance as used, once, and count that. The receipt's details are not
 * trusted, as any process on the guest can send one: the row is made from what was issued. False
 * when the store fails. */
static bool take_receipt(const struct store *store, const cJSON *receipt,
			 const struct instance_identity *instance, unsigned int *used)
{
	const char *jti = json_string(receipt, "jti");
	const char *client = json_string(receipt, "client");
	_cleanup_statement_ sqlite3_stmt *grant = NULL;
	struct trail_row row;
	int64_t used_at;

	if (jti == NULL)
		return true;
	if (client != NULL && !network_is_client(client))
		client = NULL;
	if (!json_integer(receipt, "used_at", &used_at))
		used_at = (int64_t)time(NULL);
	grant = store_prepare(store,
			      "SELECT " GRANT_COLUMNS
			      " FROM grants WHERE jti = ? AND instance = ? AND used_at IS NULL",
			      "ti", jti, instance->id);
	if (grant == NULL)
		return false;
	if (!store_next(store, grant))
		return sqlite3_errcode(store->db) == SQLITE_DONE;
	*used += 1;
	row = row_of_grant("used", instance, jti, grant);
	row.source = client;
	row.audit_session = read_audit_session(receipt);
	return store_run(store, "UPDATE grants SET used_at = ? WHERE jti = ?", "it", used_at,
			 jti) &&
	       trail_append(store, &row);
}

/* All of them with their rows, or none: the guest sends them again. */
static bool take_receipts(const struct service *service, const cJSON *receipts,
			  const struct instance_identity *instance)
{
	const cJSON *receipt;
	unsigned int used = 0;
	bool good = true;

	if (!store_begin(service->store))
		return false;
	cJSON_ArrayForEach(receipt, receipts)
	{
		good = good && take_receipt(service->store, receipt, instance, &used);
	}
	if (!store_end(service->store, good))
		return false;
	service->state->metrics.grants_used += used;
	return true;
}

static void post_receipts(const struct service *service, const struct http_request *request,
			  struct http_response *response, const struct instance_identity *instance)
{
	_cleanup_json_ cJSON *body = NULL;
	const cJSON *receipts;

	if (json_parse(request->body, request->body_length, &body) != JSON_OK ||
	    !cJSON_IsArray(receipts = json_member(body, "receipts")) ||
	    cJSON_GetArraySize(receipts) > RECEIPTS_MAX) {
		deny(response, 400, "metadata.request.invalid",
		     "the body must be {\"receipts\":[…]} with up to 256 receipts");
		return;
	}
	if (take_receipts(service, receipts, instance))
		response->status = 204;
	else
		deny(response, 503, "metadata.unavailable", "cannot store the receipts; try again");
}

void metadata_handle(const struct service *service, const struct http_request *request,
		     struct http_response *response)
{
	struct instance_identity instance;

	/* A tricked web server does not send the one, and a proxy adds the other. */
	if (!request->has_metadata_header || request->is_forwarded) {
		deny(response, 403, "metadata.forbidden",
		     "send the header X-Exc-Metadata: 1, and do not use a proxy");
		return;
	}
	if (!instance_find_by_source(service->store, request->peer, &instance)) {
		/* Not 404, which agents take for "no grant": someone has to notice this. The guest
		 * may not know behind which address it is. */
		respond_error_with(response, 403, "metadata.instance.unknown",
				   "no instance has this address", "address", request->peer);
		return;
	}
	if (strcmp(request->path, API "grants") == 0 && request->method == HTTP_GET)
		get_grants(service, request, response, &instance);
	else if (strcmp(request->path, API "receipts") == 0 && request->method == HTTP_POST)
		post_receipts(service, request, response, &instance);
	else if (strcmp(request->path, API "host-keys") == 0 && request->method == HTTP_PUT)
		guest_host_keys_put(service, request, response, &instance);
	else if (strcmp(request->path, API "grants") == 0 ||
		 strcmp(request->path, API "receipts") == 0 ||
		 strcmp(request->path, API "host-keys") == 0)
		deny(response, 405, "metadata.method_not_allowed",
		     "GET grants, POST receipts, PUT host-keys");
	else
		deny(response, 404, "metadata.not_found", "nothing at this path");
}
