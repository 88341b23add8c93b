/* SPDX-License-Identifier: Apache-2.0 */
/* excloud's metadata endpoint: grants, receipts and host keys over HTTP. */
#include "agent/provider/excloud_endpoint.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "agent/http/http.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "grant/grant.h"
#include "base/json.h"
#include "base/network.h"

#define API "/v1/instance-connect/"
/* Guards against server-side request forgery (SSRF), as on other clouds */
#define GUARD                                                                                      \
	{                                                                                          \
		"X-Exc-Metadata", "1"                                                              \
	}
#define PATH_SIZE 768
/* Bytes of an error's code, such as "metadata.instance.unknown" */
#define CODE_SIZE 65

/* One request on a separate connection. */
static enum problem ask(struct http *http, const struct config *config,
			const struct http_request *request, struct http_answer *answer,
			char *detail)
{
	enum problem problem = http_open(http, config, detail);

	return problem == PROBLEM_NONE ? http_ask(http, request, answer, detail) : problem;
}

/* Is this an error's code? Anybody may answer in the endpoint's place: nothing else is printed. */
static bool is_code(const char *code)
{
	const size_t length = strlen(code);

	return length > 0 && length < CODE_SIZE &&
	       strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == length;
}

/* Report an unexpected status, with the code and our address as the endpoint sees it, if its body
 * {"error":{"code","address"}} has them. Always PROBLEM_HTTP_STATUS. */
static enum problem refuse(const struct http *http, const struct http_answer *answer, char *detail)
{
	_cleanup_json_ cJSON *body = NULL;
	char address[NETWORK_TEXT_SIZE];
	const cJSON *error;
	const char *text;
	size_t used;

	http_wrong_status(http, answer, detail);
	if (answer->body == NULL || json_parse(answer->body, answer->length, &body) != JSON_OK)
		return PROBLEM_HTTP_STATUS;
	error = json_member(body, "error");
	text = json_string(error, "code");
	used = strlen(detail);
	if (text != NULL && is_code(text))
		snprintf(detail + used, PROBLEM_DETAIL_SIZE - used, ", %s", text);
	text = json_string(error, "address");
	used = strlen(detail);
	/* Half an address would mislead. */
	if (text != NULL && network_canonical(text, true, address) &&
	    used + strlen(", for ") + strlen(address) < PROBLEM_DETAIL_SIZE)
		snprintf(detail + used, PROBLEM_DETAIL_SIZE - used, ", for %s", address);
	return PROBLEM_HTTP_STATUS;
}

enum problem metadata_get_grants(const struct config *config, const char *user,
				 const char *fingerprint, const char *nonce,
				 void (*meanwhile)(void *context), void *context, cJSON **answer,
				 char detail[PROBLEM_DETAIL_SIZE])
{
	char escaped_user[HTTP_ESCAPED_SIZE(GRANT_USER_SIZE)];
	char escaped_fingerprint[HTTP_ESCAPED_SIZE(FINGERPRINT_SIZE)];
	char path[PATH_SIZE];
	const struct http_request request = { .path = path,
					      .headers = { GUARD },
					      .bytes_max = METADATA_ANSWER_BYTES_MAX,
					      .meanwhile = meanwhile,
					      .context = context,
					      .is_last = meanwhile != NULL };
	struct http http = { 0 };
	_cleanup_(http_free) struct http_answer response = { 0 };
	enum problem problem;

	*answer = NULL;
	if (strlen(user) >= GRANT_USER_SIZE || strlen(fingerprint) >= FINGERPRINT_SIZE) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "the user name is too long for a request");
		return PROBLEM_USER_NAME_INVALID;
	}
	http_escape(user, escaped_user);
	http_escape(fingerprint, escaped_fingerprint);
	snprintf(path, sizeof path, API "grants?user=%s&fingerprint=%s&nonce=%s", escaped_user,
		 escaped_fingerprint, nonce);
	problem = ask(&http, config, &request, &response, detail);
	if (problem != PROBLEM_NONE)
		return problem;
	if (response.status == 404)
		return PROBLEM_NONE;
	if (response.status != 200)
		return refuse(&http, &response, detail);
	if (response.body == NULL ||
	    json_parse(response.body, response.length, answer) != JSON_OK) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s sent an answer that is not JSON",
			 config->metadata_url);
		return PROBLEM_ANSWER_MALFORMED;
	}
	return PROBLEM_NONE;
}

/* Send JSON; the only answer is its status. */
static enum problem send_json(const struct config *config, const char *method, const char *path,
			      const char *json, char *detail)
{
	const struct http_request request = { .method = method,
					      .path = path,
					      .headers = { GUARD,
							   { "Content-Type", "application/json" } },
					      .body = json,
					      .bytes_max = METADATA_ANSWER_BYTES_MAX };
	struct http http = { 0 };
	_cleanup_(http_free) struct http_answer response = { 0 };
	enum problem problem = ask(&http, config, &request, &response, detail);

	if (problem != PROBLEM_NONE)
		return problem;
	if (response.status == 204 || response.status == 200)
		return PROBLEM_NONE;
	return refuse(&http, &response, detail);
}

enum problem metadata_post_receipts(const struct config *config, const char *json,
				    char detail[PROBLEM_DETAIL_SIZE])
{
	return send_json(config, "POST", API "receipts", json, detail);
}

enum problem metadata_put_host_keys(const struct config *config, const char *json,
				    char detail[PROBLEM_DETAIL_SIZE])
{
	return send_json(config, "PUT", API "host-keys", json, detail);
}

bool metadata_make_nonce(char nonce[METADATA_NONCE_SIZE])
{
	uint8_t bytes[(METADATA_NONCE_SIZE - 1) / 2];

	if (getrandom(bytes, sizeof bytes, GRND_NONBLOCK) != (ssize_t)sizeof bytes)
		return false;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
	return true;
}
