/* SPDX-License-Identifier: Apache-2.0 */
/* The host keys that a guest reports (PUT /v1/instance-connect/host-keys). */
#include "connectd/api/guest_host_keys.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "connectd/store/audit_trail.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/ssh_key.h"

/* Host keys of one instance */
#define HOST_KEYS_MAX 16

/* The keys as we print them, from checked fields; NULL when one is malformed, or there are too many
 * or none. The caller frees. `fingerprint` is the first one's. */
static char *read_keys(const cJSON *body, char fingerprint[FINGERPRINT_SIZE])
{
	const cJSON *given = json_member(body, "host_keys"), *element;
	_cleanup_json_ cJSON *keys = cJSON_CreateArray();

	if (!cJSON_IsArray(given) || cJSON_GetArraySize(given) > HOST_KEYS_MAX)
		return NULL;
	cJSON_ArrayForEach(element, given)
	{
		const char *text = cJSON_GetStringValue(element);
		char printed[SSH_KEY_TEXT_SIZE];
		struct ssh_key key;

		if (text == NULL || ssh_key_parse(text, &key) != SSH_KEY_OK)
			return NULL;
		if (cJSON_GetArraySize(keys) == 0 &&
		    !digest_fingerprint(key.blob, key.blob_length, fingerprint))
			return NULL;
		ssh_key_print(&key, printed);
		cJSON_AddItemToArray(keys, cJSON_CreateString(printed));
	}
	return cJSON_GetArraySize(keys) == 0 ? NULL : cJSON_PrintUnformatted(keys);
}

/* What the guest published last, empty for nothing; for the caller to free. NULL: it cannot be
 * read.
 */
static char *read_before(const struct store *store, int64_t id)
{
	_cleanup_statement_ sqlite3_stmt *statement =
		store_prepare(store, "SELECT guest_host_keys FROM instances WHERE id = ?", "i", id);

	return statement != NULL && store_next(store, statement) ? strdup(store_text(statement, 0))
								 : NULL;
}

void guest_host_keys_put(const struct service *service, const struct http_request *request,
			 struct http_response *response, const struct instance_identity *instance)
{
	_cleanup_json_ cJSON *body = NULL;
	_cleanup_free_ char *keys = NULL, *before = NULL;
	char fingerprint[FINGERPRINT_SIZE];
	bool stored;

	if (json_parse(request->body, request->body_length, &body) == JSON_OK)
		keys = read_keys(body, fingerprint);
	if (keys == NULL) {
		respond_error(response, 400, "metadata.request.invalid",
			      "the body must be {\"host_keys\":[…]} with 1 to 16 keys, each "
			      "\"TYPE BASE64\" without a comment",
			      NULL);
		return;
	}
	before = read_before(service->store, instance->id);
	response->status = 204;
	if (before != NULL && strcmp(before, keys) == 0)
		return;
	/* Both or neither: a change must not happen unseen. */
	stored =
		before != NULL && store_begin(service->store) &&
		store_end(service->store,
			  trail_append(service->store,
				       &(const struct trail_row){
					       .event = "host_keys",
					       .vm_id = instance->vm_id,
					       .org = instance->org,
					       .instance = instance->id,
					       .fingerprint = fingerprint,
					       .reason = before[0] == '\0' ? "first" : "changed",
					       .source = request->peer }) &&
				  store_run(service->store,
					    "UPDATE instances SET guest_host_keys = ?1,"
					    " host_keys_changed = CASE WHEN guest_host_keys IS NULL"
					    " THEN host_keys_changed ELSE ?2 END WHERE id = ?3",
					    "tii", keys, (int64_t)time(NULL), instance->id));
	if (!stored)
		respond_error(response, 503, "metadata.unavailable",
			      "cannot store the host keys; try again", NULL);
}
