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

#define API "/v1/instance-connect/"
/* Guards against server-side request forgery (SSRF), as on other clouds */
#define GUARD                                                                                      \
	{                                                                                          \
		"X-Exc-Metadata", "1"                                                              \
	}
#define PATH_SIZE 768

/* One request on a separate connection. */
static enum problem ask(struct http *http, const struct config *config,
			const struct http_request *request, struct http_answer *answer,
			char *detail)
{
	enum problem problem = http_open(http, config, detail);

	return problem == PROBLEM_NONE ? http_ask(http, request, answer, detail) : problem;
}

enum problem metadata_get_grants(const struct config *config, const char *user,
				 const char *fingerprint, const char *nonce, cJSON **answer,
				 char detail[PROBLEM_DETAIL_SIZE])
{
	char escaped_user[HTTP_ESCAPED_SIZE(GRANT_USER_SIZE)];
	char escaped_fingerprint[HTTP_ESCAPED_SIZE(FINGERPRINT_SIZE)];
	char path[PATH_SIZE];
	const struct http_request request = { .path = path,
					      .headers = { GUARD },
					      .bytes_max = METADATA_ANSWER_BYTES_MAX };
	_cleanup_(http_close) struct http http = { 0 };
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
		return http_wrong_status(&http, &response, detail);
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
	_cleanup_(http_close) struct http http = { 0 };
	_cleanup_(http_free) struct http_answer response = { 0 };
	enum problem problem = ask(&http, config, &request, &response, detail);

	if (problem != PROBLEM_NONE)
		return problem;
	if (response.status == 204 || response.status == 200)
		return PROBLEM_NONE;
	return http_wrong_status(&http, &response, detail);
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
