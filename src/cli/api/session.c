/* SPDX-License-Identifier: Apache-2.0 */
/* One login that the control plane allowed: where to, as whom, and the host keys to expect. */
#include "cli/api/session.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api/api.h"
#include "cli/terminal/say.h"

#define CONNECT_PATH "/compute/instance/connect"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
/* As many digits as every JSON reader represents exactly; a longer id is sent as text. */
#define VM_ID_DIGITS_MAX 15
#define LIFETIME_MAX 3600
/* Attempts with a new key, when the answer for the previous key was lost */
#define MINT_ATTEMPTS_MAX 2

static bool consists_of(const char *text, const char *characters, size_t size)
{
	size_t length = strlen(text);

	return length > 0 && length < size && strspn(text, characters) == length;
}

bool vm_id_is_valid(const char *vm_id)
{
	return consists_of(vm_id, LETTERS DIGITS "._-", VM_ID_SIZE) &&
	       strchr(LETTERS DIGITS, vm_id[0]) != NULL;
}

static char *make_body(const struct session_wish *wish, const struct keypair *pair)
{
	_cleanup_json_ cJSON *body = cJSON_CreateObject();

	/* The public API has numbers; clouds that name their instances have text. */
	if (consists_of(wish->vm_id, DIGITS, VM_ID_DIGITS_MAX + 1) &&
	    (wish->vm_id[0] != '0' || wish->vm_id[1] == '\0'))
		cJSON_AddNumberToObject(body, "vm_id", strtod(wish->vm_id, NULL));
	else
		cJSON_AddStringToObject(body, "vm_id", wish->vm_id);
	if (wish->user != NULL)
		cJSON_AddStringToObject(body, "user", wish->user);
	cJSON_AddStringToObject(body, "public_key", pair->public_key);
	if (wish->command != NULL)
		cJSON_AddStringToObject(body, "command", wish->command);
	return cJSON_PrintUnformatted(body);
}

static bool copy_text(const cJSON *answer, const char *name, const char *characters, char *out,
		      size_t size)
{
	const char *text = json_string(answer, name);

	if (text == NULL || !consists_of(text, characters, size))
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

static bool read_place(const cJSON *answer, struct session *session)
{
	const char *user = json_string(answer, "user");
	int64_t port, lifetime;

	if (user == NULL || !grant_user_is_valid(user) || !json_integer(answer, "port", &port) ||
	    port < 1 || port > 65535 || !json_integer(answer, "expires_in", &lifetime) ||
	    lifetime > LIFETIME_MAX)
		return false;
	memcpy(session->user, user, strlen(user) + 1);
	session->port = (unsigned int)port;
	session->expires_in = (unsigned int)lifetime;
	return copy_text(answer, "id", LETTERS DIGITS "._~-", session->id, sizeof session->id) &&
	       copy_text(answer, "host", LETTERS DIGITS ".:_-", session->host,
			 sizeof session->host) &&
	       session->host[0] != '-';
}

/* Key types that exc does not use are ignored. */
static bool read_host_keys(const cJSON *answer, struct session *session)
{
	const cJSON *list = json_member(answer, "host_keys");
	const cJSON *element;
	struct ssh_key key;

	cJSON_ArrayForEach(element, list)
	{
		const char *text = cJSON_GetStringValue(element);

		if (session->host_key_count == SESSION_HOST_KEYS_MAX)
			break;
		if (text == NULL || ssh_key_parse(text, &key) != SSH_KEY_OK)
			continue;
		char *line = malloc(SSH_KEY_TEXT_SIZE);

		if (line == NULL)
			return false;
		ssh_key_print(&key, line);
		session->host_keys[session->host_key_count++] = line;
	}
	return true;
}

static bool read_session(const cJSON *answer, const struct session_wish *wish,
			 struct session *session)
{
	const char *changed = json_string(answer, "host_keys_changed_at");

	snprintf(session->alias, sizeof session->alias, VM_ALIAS_PREFIX "%s", wish->vm_id);
	if (!read_place(answer, session) || !read_host_keys(answer, session)) {
		say("exc does not understand the control plane's answer (request %s)",
		    json_string(answer, "request_id") == NULL ? "unknown"
							      : json_string(answer, "request_id"));
		return false;
	}
	if (changed != NULL)
		say("WARNING: the host keys of VM %s changed at %.40s without an administrator's "
		    "approval: exc compute connect-log --vm-id %s",
		    wish->vm_id, changed, wish->vm_id);
	return true;
}

/* Request one key, under one idempotency key. */
static bool mint_once(const struct account *account, const struct session_wish *wish,
		      struct keypair *pair, struct api_answer *answer)
{
	char idempotency_key[IDEMPOTENCY_KEY_SIZE];
	struct api_request request = { .path = CONNECT_PATH, .idempotency_key = idempotency_key };
	char *body = NULL;
	bool good;

	good = api_make_idempotency_key(idempotency_key) && keypair_make(pair) &&
	       (body = make_body(wish, pair)) != NULL;
	if (!good)
		snprintf(answer->message, sizeof answer->message, "cannot make a key");
	request.body = body;
	good = good && api_call(account, &request, answer);
	cJSON_free(body);
	return good;
}

bool session_mint(const struct account *account, const struct session_wish *wish,
		  struct keypair *pair, struct session *session)
{
	_cleanup_answer_ struct api_answer answer = { 0 };
	bool good = false;

	memset(session, 0, sizeof *session);
	for (unsigned int attempt = 1; !good && attempt <= MINT_ATTEMPTS_MAX; attempt++) {
		api_answer_free(&answer);
		good = mint_once(account, wish, pair, &answer);
		/* It was done, and only the answer did not arrive: that key expires unused. */
		if (!good && strcmp(answer.code, "compute.idempotency.done") != 0)
			break;
	}
	if (!good)
		api_say_failure(account, &answer);
	if (good && read_session(answer.json, wish, session))
		return true;
	keypair_forget(pair);
	session_free(session);
	return false;
}

void session_free(struct session *session)
{
	for (unsigned int i = 0; i < session->host_key_count; i++)
		free(session->host_keys[i]);
	memset(session, 0, sizeof *session);
}
