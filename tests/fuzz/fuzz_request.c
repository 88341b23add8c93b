/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the control plane, as they are once HTTP has been taken off: every one gets an
 * answer, and a key only for who may have it.
 *
 * The input is "METHOD PATH", lines "NAME VALUE" for what stands in headers and the query, an empty
 * line, and the body. */
#include "../unit/mint.h"
#include "fuzz.h"

#include <stdio.h>

#include <cjson/cJSON.h>

#include "connectd/api/service.h"
#include "base/cleanup.h"
#include "grant/grant.h"
#include "base/json.h"

#define TOKEN "excloud-token"
/* The trail only grows: begin again after so many inputs */
#define INPUTS_PER_DATABASE 2000

/* Whose token it is may use 42 and not 43; 44 is another organisation's. */
#define SETUP                                                                                      \
	"INSERT INTO principals VALUES('user:ana','default',0);"                                   \
	"INSERT INTO policies VALUES('fuzz','default',0,'{\"Statements\":[{\"Effect\":\"Allow\","  \
	"\"Action\":\"compute:*\",\"Resource\":\"exc:compute:*\"},{\"Effect\":\"Deny\","           \
	"\"Action\":\"*\",\"Resource\":\"exc:compute:instance/43\"}]}',0);"                        \
	"INSERT INTO bindings VALUES('fuzz','user:ana');"                                          \
	"INSERT INTO orgs VALUES('other',0);"                                                      \
	"INSERT INTO instances(vm_id,address,host,port,host_keys,users) VALUES"                    \
	"('42','192.0.2.42','h',22,'[]','[\"ubuntu\",\"root\"]'),"                                 \
	"('43','192.0.2.43','h',22,'[]','[]'),('44','192.0.2.44','h',22,'[]','[]');"               \
	"UPDATE instances SET org='other' WHERE vm_id='44'; UPDATE instances SET id = rowid;"

static struct connectd_config config;
static struct store store;
static struct signing_key key;
static struct service_state state;
static const struct service service = { &config, &store, &key, &state };
static unsigned int inputs;

/* A fresh database in memory, with one live grant of 42 */
static void begin(void)
{
	char error[256] = "", hash[DIGEST_HEX_SIZE];

	must(store_open(&store, ":memory:", false, error, sizeof error));
	must(sqlite3_exec(store.db, SETUP, NULL, NULL, NULL) == SQLITE_OK);
	must(digest_hex(TOKEN, strlen(TOKEN), hash));
	must(store_run(&store, "INSERT INTO api_tokens VALUES('tok_1','user:ana',?,0,NULL,NULL)",
		       "t", hash));
	must(store_run(
		&store,
		"INSERT INTO grants(jti,vm_id,user,fingerprint,caller,request_id,expires,jws,"
		"instance) VALUES('one','42','ubuntu','SHA256:x','user:ana','req',?,'a.b.c',1)",
		"i", INT64_MAX));
	must(service_state_init(&state, &config));
	inputs = 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[4096], error[CONNECTD_ERROR_SIZE], *directory = mint_directory();

	(void)argc;
	(void)argv;
	snprintf(path, sizeof path, "%s/key", directory);
	must(signing_key_create(path, error, sizeof error));
	must(signing_key_load(&key, path, error, sizeof error));
	mint_remove(directory);
	config.key_lifetime = 60;
	snprintf(config.issuer, sizeof config.issuer, "exc-connectd");
	begin();
	return 0;
}

/* Take a line that starts with the name and a space into `out`. */
static void take_value(const char *line, const char *name, char *out, size_t size)
{
	size_t length = strlen(name);

	if (strncmp(line, name, length) == 0 && line[length] == ' ')
		snprintf(out, size, "%s", line + length + 1);
}

/* "NAME VALUE" of one of these names goes into the query. */
static void take_argument(const char *line, struct query *query)
{
	static const char *const names[] = { "user", "fingerprint", "nonce", "limit" };
	char value[QUERY_PAIR_SIZE], pair[QUERY_PAIR_SIZE + 16];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		value[0] = '\0';
		take_value(line, names[i], value, sizeof value);
		snprintf(pair, sizeof pair, "%s=%s", names[i], value);
		if (value[0] != '\0')
			query_add(query, pair);
	}
}

static void take_line(const char *line, struct http_request *request)
{
	static const char *const methods[] = {
		[HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT", [HTTP_OTHER] = "HEAD"
	};

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		request->path[0] = '\0';
		take_value(line, methods[i], request->path, sizeof request->path);
		request->method = (enum http_method)i;
		if (request->path[0] != '\0')
			return;
	}
}

static void take_field(const char *line, struct http_request *request)
{
	take_value(line, "peer", request->peer, sizeof request->peer);
	take_value(line, "authorization", request->authorization, sizeof request->authorization);
	take_value(line, "idempotency-key", request->idempotency_key,
		   sizeof request->idempotency_key);
	take_argument(line, &request->query);
	request->has_metadata_header |= strcmp(line, "metadata") == 0;
	request->is_forwarded |= strcmp(line, "forwarded") == 0;
	request->has_long_idempotency_key |= strcmp(line, "long") == 0;
}

/* Read everything before the body. Returns where the body begins. */
static char *take_head(char *text, struct http_request *request)
{
	bool first = true;

	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		char *next = text + length + (text[length] == '\n');

		if (length == 0)
			return next;
		text[length] = '\0';
		if (first)
			take_line(text, request);
		else
			take_field(text, request);
		first = false;
		text = next;
	}
	return text;
}

/* An answer is JSON, but for two that say so. */
static void check_body(const struct http_response *response)
{
	_cleanup_json_ cJSON *object = NULL;

	if (response->body == NULL || response->type != NULL)
		return;
	object = cJSON_Parse(response->body);
	must(object != NULL);
	if (response->status >= 400)
		must(cJSON_IsObject(json_member(object, "error")));
	if (json_member(object, "private_key") != NULL) {
		const cJSON *vm_id = json_member(object, "vm_id");

		must(response->status == 200);
		must((cJSON_IsString(vm_id) && strcmp(vm_id->valuestring, "42") == 0) ||
		     (cJSON_IsNumber(vm_id) && vm_id->valuedouble == 42));
		must(grant_user_is_valid(json_string(object, "user")));
	}
}

static void answer(const struct http_request *request,
		   void (*handle)(const struct service *, const struct http_request *,
				  struct http_response *))
{
	struct http_response response = { 0 };

	handle(&service, request, &response);
	must(response.status >= 200 && response.status <= 599 && response.status != 500);
	must(response.body != NULL || response.status == 204);
	/* Nothing that is asked may leave a transaction open. */
	must(sqlite3_get_autocommit(store.db) != 0);
	check_body(&response);
	free(response.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	_cleanup_free_ char *text = fuzz_text(bytes, length), *copy = NULL;
	struct http_request request = { .peer = "192.0.2.42" };
	char *body = take_head(text, &request);

	request.body_length = length - (size_t)(body - text);
	/* As libwebsockets hands it over: without a NUL */
	copy = malloc(request.body_length + (request.body_length == 0));
	must(copy != NULL);
	memcpy(copy, body, request.body_length);
	request.body = copy;
	answer(&request, strncmp(request.path, "/v1/", 4) == 0 ? metadata_handle : compute_handle);
	if (++inputs == INPUTS_PER_DATABASE) {
		service_state_free(&state);
		store_close(&store);
		begin();
	}
	return 0;
}
