/* SPDX-License-Identifier: Apache-2.0 */
/* The compute API: POST /compute/instance/connect mints a one-time key. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "connectd/authorize.h"
#include "connectd/keypair.h"
#include "connectd/service.h"
#include "connectd/trail.h"
#include "grant/grant.h"
#include "grant/json.h"

#define CONNECT_PATH "/compute/instance/connect"
#define VM_ID_SIZE 65
/* Grants are kept so long after they expired, so that late receipts find them. */
#define GRANT_KEEP_SECONDS (7 * 86400)
/* Old rows that one call removes */
#define PRUNE_MAX "64"

/* One call of connect. */
struct call {
	const struct service *service;
	const struct http_request *request;
	struct http_response *response;
	char request_id[REQUEST_ID_SIZE];
	char caller[CALLER_SIZE];
	char vm_id[VM_ID_SIZE];
	const char *user; /* owned by the parsed body */
	const cJSON *vm_id_as_it_came;
	cJSON *restrictions; /* owned */
	bool has_own_key;
	struct keypair keys;
	char fingerprint[FINGERPRINT_SIZE];
	char jti[RANDOM_NAME_SIZE];
	int64_t now;
};

static void refuse(const struct call *call, int status, const char *code, const char *message)
{
	const struct trail_row row = { .event = "refused",
				       .caller = call->caller,
				       .user = call->user,
				       .vm_id = call->vm_id,
				       .reason = code,
				       .source = call->request->peer,
				       .request_id = call->request_id };

	if (call->caller[0] == '\0')
		trail_log(&row);
	else
		trail_append(call->service->store, &row);
	respond_error(call->response, status, code, message, call->request_id);
}

static void refuse_request(const struct call *call, const char *message)
{
	refuse(call, 400, "compute.request.invalid", message);
}

/* vm_id is a number in the public API, and text in clouds that name their instances. */
static bool read_vm_id(struct call *call, const cJSON *body)
{
	const char *text = json_string(body, "vm_id");
	int64_t number;

	if (json_integer(body, "vm_id", &number))
		snprintf(call->vm_id, sizeof call->vm_id, "%lld", (long long)number);
	else if (text != NULL && strlen(text) < sizeof call->vm_id)
		snprintf(call->vm_id, sizeof call->vm_id, "%s", text);
	call->vm_id_as_it_came = json_member(body, "vm_id");
	return call->vm_id[0] != '\0';
}

static bool members_are_known(const cJSON *body)
{
	static const char *const known[] = { "vm_id", "user", "public_key", "command", "source" };
	const cJSON *member;

	cJSON_ArrayForEach(member, body)
	{
		size_t i = 0;

		while (i < sizeof known / sizeof known[0] && strcmp(known[i], member->string) != 0)
			i++;
		if (i == sizeof known / sizeof known[0])
			return false;
	}
	return true;
}

/* `command` and `source` become the grant's `restrict`, if a guest could enforce them. */
static bool read_restrictions(struct call *call, const cJSON *body)
{
	const cJSON *command = json_member(body, "command");
	const cJSON *source = json_member(body, "source");
	struct restrictions checked;

	if (command == NULL && source == NULL)
		return true;
	call->restrictions = cJSON_CreateObject();
	if (command != NULL)
		cJSON_AddItemToObject(call->restrictions, "command",
				      cJSON_Duplicate(command, true));
	if (cJSON_IsString(source))
		cJSON_AddItemToArray(cJSON_AddArrayToObject(call->restrictions, "source"),
				     cJSON_Duplicate(source, true));
	else if (source != NULL)
		cJSON_AddItemToObject(call->restrictions, "source", cJSON_Duplicate(source, true));
	return restrict_parse(call->restrictions, &checked) == GRANT_OK;
}

/* The caller's public key, or a pair made here. False with the refusal sent. */
static bool prepare_key(struct call *call, const cJSON *body)
{
	const cJSON *given = json_member(body, "public_key");
	const char *text = cJSON_GetStringValue(given);
	struct ssh_key key;

	if (given == NULL && !keypair_make(&call->keys)) {
		refuse(call, 500, "compute.internal", "no key could be made");
		return false;
	}
	call->has_own_key = given != NULL;
	if (given != NULL && text != NULL && strlen(text) < sizeof call->keys.public_key)
		snprintf(call->keys.public_key, sizeof call->keys.public_key, "%s", text);
	if (ssh_key_parse(call->keys.public_key, &key) != GRANT_OK ||
	    !digest_fingerprint(key.blob, key.blob_length, call->fingerprint)) {
		refuse_request(
			call,
			"public_key must be \"TYPE BASE64\" without a comment: Ed25519, ECDSA, "
			"their sk- forms, or RSA of 2048 bits and more");
		return false;
	}
	return true;
}

static char *sign_grant(const struct call *call)
{
	const struct service *service = call->service;
	_cleanup_json_ cJSON *claims = cJSON_CreateObject();
	_cleanup_free_ char *payload = NULL;
	char audience[sizeof GRANT_AUDIENCE_PREFIX + VM_ID_SIZE];

	snprintf(audience, sizeof audience, GRANT_AUDIENCE_PREFIX "%s", call->vm_id);
	cJSON_AddStringToObject(claims, "iss", service->config->issuer);
	cJSON_AddStringToObject(claims, "aud", audience);
	cJSON_AddStringToObject(claims, "sub", call->user);
	cJSON_AddNumberToObject(claims, "iat", (double)call->now);
	cJSON_AddNumberToObject(claims, "exp", (double)(call->now + service->config->key_lifetime));
	cJSON_AddStringToObject(claims, "jti", call->jti);
	cJSON_AddStringToObject(claims, "ssh_key", call->keys.public_key);
	cJSON_AddStringToObject(claims, "caller", call->caller);
	cJSON_AddStringToObject(claims, "request_id", call->request_id);
	if (call->restrictions != NULL)
		cJSON_AddItemToObject(claims, "restrict",
				      cJSON_Duplicate(call->restrictions, true));
	payload = cJSON_PrintUnformatted(claims);
	return payload == NULL ? NULL : signing_key_sign(service->key, GRANT_TYP, payload);
}

/* The grant, the session and the audit row are stored together or not at all. */
static bool store_grant(const struct call *call, const char *session_id, const char *jws)
{
	const struct store *store = call->service->store;
	const int64_t expires = call->now + call->service->config->key_lifetime;
	const struct trail_row row = { .event = "issued",
				       .caller = call->caller,
				       .user = call->user,
				       .vm_id = call->vm_id,
				       .jti = call->jti,
				       .fingerprint = call->fingerprint,
				       .source = call->request->peer,
				       .request_id = call->request_id };
	char session_hash[DIGEST_HEX_SIZE];

	if (!digest_hex(session_id, strlen(session_id), session_hash) ||
	    !store_run(store, "BEGIN IMMEDIATE", ""))
		return false;
	if (store_run(
		    store,
		    "DELETE FROM grants WHERE rowid IN (SELECT rowid FROM grants WHERE expires < ?"
		    " LIMIT " PRUNE_MAX ")",
		    "i", call->now - GRANT_KEEP_SECONDS) &&
	    store_run(
		    store,
		    "DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions WHERE expires < ?"
		    " LIMIT " PRUNE_MAX ")",
		    "i", call->now) &&
	    store_run(
		    store,
		    "INSERT INTO grants(jti, vm_id, user, fingerprint, caller, request_id, expires, jws)"
		    " VALUES(?,?,?,?,?,?,?,?)",
		    "ttttttit", call->jti, call->vm_id, call->user, call->fingerprint, call->caller,
		    call->request_id, expires, jws) &&
	    store_run(store,
		      "INSERT INTO sessions(id_hash, jti, vm_id, user, expires) VALUES(?,?,?,?,?)",
		      "tttti", session_hash, call->jti, call->vm_id, call->user, expires) &&
	    trail_append(store, &row) && store_run(store, "COMMIT", ""))
		return true;
	store_run(store, "ROLLBACK", "");
	return false;
}

static void respond_with_key(const struct call *call, const char *session_id,
			     sqlite3_stmt *instance)
{
	const unsigned int lifetime = call->service->config->key_lifetime;
	time_t expires = (time_t)call->now + lifetime;
	cJSON *object = cJSON_CreateObject();
	char expires_at[32];
	struct tm utc;

	gmtime_r(&expires, &utc);
	strftime(expires_at, sizeof expires_at, "%Y-%m-%dT%H:%M:%SZ", &utc);
	cJSON_AddStringToObject(object, "id", session_id);
	cJSON_AddItemToObject(object, "vm_id", cJSON_Duplicate(call->vm_id_as_it_came, true));
	cJSON_AddStringToObject(object, "user", call->user);
	cJSON_AddStringToObject(object, "host", store_text(instance, 0));
	cJSON_AddNumberToObject(object, "port", sqlite3_column_int(instance, 1));
	cJSON_AddItemToObject(object, "host_keys", cJSON_Parse(store_text(instance, 2)));
	cJSON_AddStringToObject(object, "fingerprint", call->fingerprint);
	if (!call->has_own_key)
		cJSON_AddStringToObject(object, "private_key", call->keys.private_key);
	cJSON_AddStringToObject(object, "expires_at", expires_at);
	cJSON_AddNumberToObject(object, "expires_in", lifetime);
	cJSON_AddStringToObject(object, "request_id", call->request_id);
	call->response->status = 200;
	call->response->body = cJSON_PrintUnformatted(object);
	if (!call->has_own_key) {
		char *copy = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(object, "private_key"));

		if (copy != NULL)
			OPENSSL_cleanse(copy, strlen(copy));
	}
	cJSON_Delete(object);
}

/* Everything is checked: mint. */
static void mint(struct call *call, sqlite3_stmt *instance)
{
	_cleanup_free_ char *jws = NULL;
	char session_id[RANDOM_NAME_SIZE];

	call->now = (int64_t)time(NULL);
	if (!make_random_name(call->jti) || !make_random_name(session_id)) {
		refuse(call, 500, "compute.internal", "no random numbers");
		return;
	}
	jws = sign_grant(call);
	if (jws == NULL || !store_grant(call, session_id, jws)) {
		refuse(call, 503, "compute.unavailable",
		       "the grant could not be stored; try again, or ask the operator");
		return;
	}
	respond_with_key(call, session_id, instance);
}

static void connect_instance(struct call *call, const cJSON *body)
{
	_cleanup_statement_ sqlite3_stmt *instance = NULL;

	call->user = json_string(body, "user");
	if (!read_vm_id(call, body)) {
		refuse_request(call, "vm_id must be a number or a short text");
		return;
	}
	if (!members_are_known(body)) {
		refuse_request(call,
			       "only vm_id, user, public_key, command and source are known here");
		return;
	}
	if (call->user == NULL || !grant_user_is_valid(call->user)) {
		call->user = NULL;
		refuse_request(call, "user must be the name of a Linux user");
		return;
	}
	if (!authorize_connect(call->service->store, call->caller, call->vm_id)) {
		/* The same answer whether the instance exists or not. */
		refuse(call, 403, "compute.instance.forbidden",
		       "this token may not connect to this instance");
		return;
	}
	instance = store_prepare(call->service->store,
				 "SELECT host, port, CASE host_keys WHEN '[]'"
				 " THEN ifnull(guest_host_keys, '[]') ELSE host_keys END"
				 " FROM instances WHERE vm_id = ?",
				 "t", call->vm_id);
	if (instance == NULL || !store_next(call->service->store, instance)) {
		refuse(call, 404, "compute.instance.not_found", "there is no such instance");
		return;
	}
	if (!read_restrictions(call, body)) {
		refuse_request(
			call,
			"command must be one line and not end in a backslash, source a network "
			"or a list of up to 16 in CIDR notation");
		return;
	}
	if (prepare_key(call, body))
		mint(call, instance);
}

void compute_handle(const struct service *service, const struct http_request *request,
		    struct http_response *response)
{
	struct call call = { .service = service, .request = request, .response = response };
	_cleanup_json_ cJSON *body = NULL;

	if (!make_request_id(call.request_id)) {
		respond_error(response, 500, "compute.internal", "no random numbers", NULL);
		return;
	}
	if (strcmp(request->path, CONNECT_PATH) != 0) {
		respond_error(response, 404, "compute.not_found", "there is nothing at this path",
			      call.request_id);
		return;
	}
	if (request->method != HTTP_POST) {
		respond_error(response, 405, "compute.method_not_allowed", "POST is the method",
			      call.request_id);
		return;
	}
	if (!authorize_caller(service->store, request->authorization, call.caller)) {
		refuse(&call, 401, "compute.auth.invalid_token",
		       "send a token: Authorization: Bearer TOKEN");
		return;
	}
	if (json_parse(request->body, request->body_length, &body) != GRANT_OK) {
		refuse_request(&call, "the body must be one JSON object");
		return;
	}
	connect_instance(&call, body);
	keypair_forget(&call.keys);
	cJSON_Delete(call.restrictions);
}
