/* SPDX-License-Identifier: Apache-2.0 */
/* POST /compute/instance/connect: mint a one-time key. */
#include "connectd/api/connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "connectd/store/timestamp.h"
#include "base/ssh_keypair.h"
#include "connectd/store/connect_session.h"
#include "connectd/store/audit_trail.h"
#include "base/json.h"

/* How long grants are kept after they expired, so that late receipts find them */
#define GRANT_KEEP_SECONDS (7 * 86400)
/* How long a request with an Idempotency-Key is remembered */
#define IDEMPOTENCY_KEEP_SECONDS 86400
#define IDEMPOTENCY_KEY_MAX 128
/* Old rows that one call removes from each table */
#define PRUNE_MAX "64"

/* One call, on its way to a grant. */
struct minting {
	struct call *call;
	const cJSON *body;
	struct instance instance;
	cJSON *restrictions; /* owned */
	struct restrictions restricted; /* the same, read */
	char allowed_source[RESTRICT_SOURCES_SIZE];
	bool has_own_key;
	struct keypair keys;
	char fingerprint[FINGERPRINT_SIZE];
	char jti[RANDOM_NAME_SIZE];
	char session_id[RANDOM_NAME_SIZE];
	char session_hash[DIGEST_HEX_SIZE];
	char replay_id[DIGEST_HEX_SIZE]; /* empty: no Idempotency-Key */
	char request_hash[DIGEST_HEX_SIZE];
	int64_t now, expires;
};

static void refuse_field(const struct call *call, const char *field, const char *message)
{
	char code[64];

	snprintf(code, sizeof code, "compute.request.invalid_%s", field);
	call_refuse(call, 400, code, message);
}

/* vm_id is a number in the public API, and text in clouds that name their instances. */
static bool read_vm_id(struct call *call, const cJSON *body)
{
	const char *text = json_string(body, "vm_id");
	int64_t number;

	if (json_integer(body, "vm_id", &number))
		snprintf(call->vm_id, sizeof call->vm_id, "%lld", (long long)number);
	else if (text != NULL && iam_name_is_valid(text, sizeof call->vm_id))
		snprintf(call->vm_id, sizeof call->vm_id, "%s", text);
	if (call->vm_id[0] != '\0')
		return true;
	refuse_field(call, "vm_id", "vm_id must be a number or a short text");
	return false;
}

static bool members_are_known(const struct call *call, const cJSON *body)
{
	static const char *const known[] = { "vm_id", "user", "public_key", "command", "source" };
	char message[256];
	const cJSON *member;

	cJSON_ArrayForEach(member, body)
	{
		size_t i = 0;

		while (i < sizeof known / sizeof known[0] && strcmp(known[i], member->string) != 0)
			i++;
		if (i < sizeof known / sizeof known[0])
			continue;
		snprintf(message, sizeof message,
			 "unknown member %.64s; use vm_id, user, public_key, command and source",
			 member->string);
		call_refuse(call, 400, "compute.request.unknown_member", message);
		return false;
	}
	return true;
}

static bool read_user(struct call *call, const cJSON *body)
{
	const cJSON *given = json_member(body, "user");
	const char *user = cJSON_GetStringValue(given);

	if (given == NULL)
		return true; /* the instance's default, if it has one */
	if (user != NULL && grant_user_is_valid(user)) {
		snprintf(call->user, sizeof call->user, "%s", user);
		return true;
	}
	refuse_field(call, "user",
		     "user must be the name of a Linux user: 1 to 32 letters, digits and ._@$+-");
	return false;
}

/* The requested user, or else the instance's first, if the instance allows it. */
static bool check_user(const struct minting *minting)
{
	struct call *call = minting->call;
	const char *first = instance_first_user(&minting->instance);

	if (call->user[0] == '\0' && first != NULL)
		snprintf(call->user, sizeof call->user, "%s", first);
	if (call->user[0] == '\0') {
		refuse_field(call, "user",
			     "name the user: this instance has no list of users to take one from");
		return false;
	}
	if (instance_allows_user(&minting->instance, call->user))
		return true;
	call_refuse(call, 403, "compute.instance.user_not_allowed",
		    "this instance does not allow keys for that user");
	return false;
}

/* `command` and `source` become the grant's `restrict`, if a guest could enforce them. A command
 * gets no terminal and no forwarding: only its input and output. */
static bool read_restrictions(struct minting *minting)
{
	static const char *const off[] = { "pty", "port_forwarding", "agent_forwarding",
					   "x11_forwarding" };
	const cJSON *command = json_member(minting->body, "command");
	const cJSON *source = json_member(minting->body, "source");
	struct restrictions checked;

	if (command == NULL && source == NULL)
		return true;
	minting->restrictions = cJSON_CreateObject();
	if (command != NULL) {
		cJSON_AddItemToObject(minting->restrictions, "command",
				      cJSON_Duplicate(command, true));
		for (size_t i = 0; i < sizeof off / sizeof off[0]; i++)
			cJSON_AddBoolToObject(minting->restrictions, off[i], false);
		if (restrict_parse(minting->restrictions, &checked) != GRANT_OK) {
			refuse_field(minting->call, "command",
				     "command must be one line of up to 1024 bytes that does not "
				     "end in a backslash");
			return false;
		}
	}
	if (cJSON_IsString(source))
		cJSON_AddItemToArray(cJSON_AddArrayToObject(minting->restrictions, "source"),
				     cJSON_Duplicate(source, true));
	else if (source != NULL)
		cJSON_AddItemToObject(minting->restrictions, "source",
				      cJSON_Duplicate(source, true));
	if (restrict_parse(minting->restrictions, &minting->restricted) == GRANT_OK) {
		restrict_sources_print(&minting->restricted, minting->allowed_source);
		return true;
	}
	refuse_field(minting->call, "source",
		     "source must be a network in CIDR notation, or a list of up to 16");
	return false;
}

/* The caller's public key, or a pair made here. False with the refusal sent. */
static bool prepare_key(struct minting *minting)
{
	const cJSON *given = json_member(minting->body, "public_key");
	const char *text = cJSON_GetStringValue(given);
	struct ssh_key key;

	if (given == NULL && !keypair_make(&minting->keys)) {
		call_refuse(minting->call, 500, "compute.internal", "cannot make a key");
		return false;
	}
	minting->has_own_key = given != NULL;
	if (text != NULL && strlen(text) < sizeof minting->keys.public_key)
		snprintf(minting->keys.public_key, sizeof minting->keys.public_key, "%s", text);
	if (ssh_key_parse(minting->keys.public_key, &key) == SSH_KEY_OK &&
	    digest_fingerprint(key.blob, key.blob_length, minting->fingerprint))
		return true;
	refuse_field(minting->call, "public_key",
		     "public_key must be \"TYPE BASE64\" without a comment: Ed25519, ECDSA, "
		     "their sk- forms, or RSA of 2048 bits and more");
	return false;
}

static char *sign_grant(const struct minting *minting)
{
	const struct call *call = minting->call;
	_cleanup_json_ cJSON *claims = cJSON_CreateObject();
	_cleanup_free_ char *payload = NULL;
	char audience[sizeof GRANT_AUDIENCE_PREFIX + INSTANCE_VM_ID_SIZE];

	snprintf(audience, sizeof audience, GRANT_AUDIENCE_PREFIX "%s", call->vm_id);
	cJSON_AddStringToObject(claims, "iss", call->service->config->issuer);
	cJSON_AddStringToObject(claims, "aud", audience);
	cJSON_AddStringToObject(claims, "sub", call->user);
	cJSON_AddNumberToObject(claims, "iat", (double)minting->now);
	cJSON_AddNumberToObject(claims, "exp", (double)minting->expires);
	cJSON_AddStringToObject(claims, "jti", minting->jti);
	cJSON_AddStringToObject(claims, "ssh_key", minting->keys.public_key);
	cJSON_AddStringToObject(claims, "caller", call->caller.principal);
	cJSON_AddStringToObject(claims, "request_id", call->request_id);
	if (minting->restrictions != NULL)
		cJSON_AddItemToObject(claims, "restrict",
				      cJSON_Duplicate(minting->restrictions, true));
	payload = cJSON_PrintUnformatted(claims);
	return payload == NULL ? NULL : signing_key_sign(call->service->key, GRANT_TYP, payload);
}

/* Remove what is no longer needed, some of it with each call. */
static bool prune(const struct store *store, int64_t now)
{
	return store_run(store,
			 "DELETE FROM grants WHERE rowid IN (SELECT rowid FROM grants"
			 " WHERE expires < ? LIMIT " PRUNE_MAX ")",
			 "i", now - GRANT_KEEP_SECONDS) &&
	       store_run(store,
			 "DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions"
			 " WHERE expires < ? LIMIT " PRUNE_MAX ")",
			 "i", now - SESSION_KEEP_SECONDS) &&
	       store_run(store,
			 "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency"
			 " WHERE expires < ? LIMIT " PRUNE_MAX ")",
			 "i", now);
}

static bool insert(const struct minting *minting, const char *jws)
{
	const struct call *call = minting->call;
	const struct store *store = call->service->store;
	const struct trail_row row = { .event = "issued",
				       .caller = call->caller.principal,
				       .org = call->caller.org,
				       .token_id = call->caller.token_id,
				       .decision = call->decision.why,
				       .command = minting->restricted.command,
				       .allowed_source = minting->allowed_source,
				       .user = call->user,
				       .vm_id = call->vm_id,
				       .instance = minting->instance.id,
				       .jti = minting->jti,
				       .fingerprint = minting->fingerprint,
				       .expires = minting->expires,
				       .source = call->request->peer,
				       .request_id = call->request_id };

	return store_run(store,
			 "INSERT INTO grants(jti, vm_id, user, fingerprint, caller, request_id,"
			 " expires, jws, command, allowed_source, instance)"
			 " VALUES(?,?,?,?,?,?,?,?,nullif(?,''),nullif(?,''),?)",
			 "ttttttittti", minting->jti, call->vm_id, call->user, minting->fingerprint,
			 call->caller.principal, call->request_id, minting->expires, jws,
			 minting->restricted.command, minting->allowed_source,
			 minting->instance.id) &&
	       store_run(
		       store,
		       "INSERT INTO sessions(id_hash, jti, vm_id, user, expires) VALUES(?,?,?,?,?)",
		       "tttti", minting->session_hash, minting->jti, call->vm_id, call->user,
		       minting->expires) &&
	       (minting->replay_id[0] == '\0' ||
		store_run(
			store,
			"INSERT OR REPLACE INTO idempotency(principal, key, request_hash, jti, expires)"
			" VALUES(?,?,?,?,?)",
			"tttti", call->caller.principal, call->request->idempotency_key,
			minting->request_hash, minting->jti,
			minting->now + IDEMPOTENCY_KEEP_SECONDS)) &&
	       trail_append(store, &row);
}

/* The grant, the session and the audit row are stored together or not at all. */
static bool store_grant(const struct minting *minting, const char *jws)
{
	const struct store *store = minting->call->service->store;

	return store_begin(store) &&
	       store_end(store, prune(store, minting->now) && insert(minting, jws));
}

static void respond_with_key(const struct minting *minting)
{
	const struct call *call = minting->call;
	const struct instance *instance = &minting->instance;
	cJSON *object = cJSON_CreateObject();
	char expires_at[API_TIME_SIZE], changed_at[API_TIME_SIZE];

	api_time(minting->expires, expires_at);
	cJSON_AddStringToObject(object, "id", minting->session_id);
	cJSON_AddItemToObject(object, "vm_id",
			      cJSON_Duplicate(json_member(minting->body, "vm_id"), true));
	cJSON_AddStringToObject(object, "user", call->user);
	cJSON_AddStringToObject(object, "host", instance->host);
	cJSON_AddNumberToObject(object, "port", instance->port);
	cJSON_AddItemToObject(object, "host_keys", cJSON_Duplicate(instance->host_keys, true));
	if (instance->host_keys_changed != 0) {
		api_time(instance->host_keys_changed, changed_at);
		cJSON_AddStringToObject(object, "host_keys_changed_at", changed_at);
	}
	cJSON_AddStringToObject(object, "fingerprint", minting->fingerprint);
	if (!minting->has_own_key)
		cJSON_AddStringToObject(object, "private_key", minting->keys.private_key);
	cJSON_AddStringToObject(object, "expires_at", expires_at);
	cJSON_AddNumberToObject(object, "expires_in", (double)(minting->expires - minting->now));
	cJSON_AddStringToObject(object, "request_id", call->request_id);
	call->response->status = 200;
	call->response->body = cJSON_PrintUnformatted(object);
	if (!minting->has_own_key) {
		char *copy = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(object, "private_key"));

		if (copy != NULL)
			OPENSSL_cleanse(copy, strlen(copy));
	}
	cJSON_Delete(object);
}

/* Everything is checked: mint. */
static void mint(struct minting *minting)
{
	const struct call *call = minting->call;
	struct service_state *state = call->service->state;
	_cleanup_free_ char *jws = NULL;

	minting->now = (int64_t)time(NULL);
	minting->expires = minting->now + call->service->config->key_lifetime;
	if (!make_random_name(minting->jti) || !make_random_name(minting->session_id) ||
	    !digest_hex(minting->session_id, strlen(minting->session_id), minting->session_hash)) {
		call_refuse(call, 500, "compute.internal", "no random numbers");
		return;
	}
	jws = sign_grant(minting);
	if (jws == NULL || !store_grant(minting, jws)) {
		call_refuse(call, 503, CALL_UNAVAILABLE,
			    "cannot store the grant; try again, or ask the operator");
		return;
	}
	state->metrics.grants_issued++;
	if (!minting->has_own_key)
		vault_keep(&state->vault, minting->session_hash, minting->keys.private_key,
			   minting->expires);
	respond_with_key(minting);
	if (minting->replay_id[0] != '\0' && call->response->body != NULL)
		replay_keep(&state->replay, minting->replay_id, call->response->body,
			    minting->expires);
}

/* It may have a private half. */
static void forget(char *body)
{
	OPENSSL_cleanse(body, strlen(body));
	free(body);
}

/* Was this request of this principal granted before? True with the answer sent. */
static bool answer_again(struct minting *minting)
{
	const struct call *call = minting->call;
	_cleanup_statement_ sqlite3_stmt *statement = store_prepare(
		call->service->store,
		"SELECT request_hash, jti FROM idempotency WHERE principal = ? AND key = ? AND expires > ?",
		"tti", call->caller.principal, call->request->idempotency_key, (int64_t)time(NULL));

	char *body;

	if (statement == NULL) {
		call_refuse(call, 503, CALL_UNAVAILABLE, "cannot read the database");
		return true;
	}
	if (!store_next(call->service->store, statement))
		return false;
	if (strcmp(store_text(statement, 0), minting->request_hash) != 0) {
		call_refuse(call, 422, "compute.idempotency.reused",
			    "this Idempotency-Key was used for another request; take a new one");
		return true;
	}
	body = replay_find(&call->service->state->replay, minting->replay_id, (int64_t)time(NULL));
	if (body == NULL) {
		call_refuse(
			call, 409, "compute.idempotency.done",
			"this request already got its key, and the answer is no longer kept; ask "
			"again with a new Idempotency-Key");
	} else if (call_note(call, "repeated", store_text(statement, 1), NULL)) {
		call->response->body = body;
		call->response->status = 200;
	} else {
		forget(body);
	}
	return true;
}

/* Read Idempotency-Key. False with the refusal sent. */
static bool read_idempotency_key(struct minting *minting)
{
	const struct http_request *request = minting->call->request;
	const char *key = request->idempotency_key;
	char both[IAM_PRINCIPAL_SIZE + IDEMPOTENCY_KEY_MAX + 2];

	if (key[0] == '\0' && !request->has_long_idempotency_key)
		return true;
	snprintf(both, sizeof both, "%s %.*s", minting->call->caller.principal, IDEMPOTENCY_KEY_MAX,
		 key);
	if (!request->has_long_idempotency_key && iam_name_is_valid(key, IDEMPOTENCY_KEY_MAX + 1) &&
	    digest_hex(both, strlen(both), minting->replay_id) &&
	    digest_hex(request->body, request->body_length, minting->request_hash))
		return true;
	refuse_field(minting->call, "idempotency_key",
		     "Idempotency-Key must be 1 to 128 printable characters without spaces");
	return false;
}

static void connect_checked(struct minting *minting)
{
	struct call *call = minting->call;

	if (!members_are_known(call, minting->body) || !read_vm_id(call, minting->body) ||
	    !read_user(call, minting->body) || !read_idempotency_key(minting))
		return;
	if (!call_authorize(call, IAM_CONNECT, &minting->instance))
		return;
	if (minting->replay_id[0] != '\0' && answer_again(minting))
		return;
	/* Last, so that only those who may connect can use up the instance's rate. */
	if (!call_within_rate(call, &call->service->state->by_instance, call->vm_id))
		return;
	if (check_user(minting) && read_restrictions(minting) && prepare_key(minting))
		mint(minting);
}

void connect_handle(struct call *call)
{
	const struct http_request *request = call->request;
	_cleanup_json_ cJSON *body = NULL;
	struct minting minting = { .call = call };

	if (json_parse(request->body, request->body_length, &body) != JSON_OK) {
		call_refuse(call, 400, "compute.request.malformed",
			    "the body must be one JSON object in UTF-8, without duplicate members");
		return;
	}
	minting.body = body;
	connect_checked(&minting);
	keypair_forget(&minting.keys);
	cJSON_Delete(minting.restrictions);
	instance_free(&minting.instance);
}
