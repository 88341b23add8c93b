/* SPDX-License-Identifier: Apache-2.0 */
/* Ask the metadata endpoint over HTTP, once, within bounds. */
#include "agent/metadata.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <curl/curl.h>

#include "grant/cleanup.h"
#include "grant/json.h"

#define API "/v1/instance-connect/"
#define USER_AGENT "exc-instance-connect/" PACKAGE_VERSION
/* The base, the path, and every byte of user and fingerprint as %XX */
#define URL_SIZE (CONFIG_VALUE_SIZE + 1024)

DEFINE_CLEANUP(CURL, curl_easy_cleanup);
typedef struct curl_slist header_list;
DEFINE_CLEANUP(header_list, curl_slist_free_all);

/* What a request carries. */
struct sent {
	const char *method; /* "POST" or "PUT" */
	const char *body; /* JSON */
};

struct response {
	char *body; /* grows up to METADATA_ANSWER_BYTES_MAX */
	size_t length;
	size_t header_length;
	bool too_large;
	long status;
};

static void free_response(struct response *response)
{
	free(response->body);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct response *response = context;
	size_t length = size * count;
	char *grown;

	if (length > METADATA_ANSWER_BYTES_MAX - response->length) {
		response->too_large = true;
		return 0;
	}
	grown = realloc(response->body, response->length + length + 1);
	if (grown == NULL)
		return 0;
	memcpy(grown + response->length, bytes, length);
	response->body = grown;
	response->length += length;
	return length;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct response *response = context;

	response->header_length += size * count;
	if (response->header_length <= METADATA_HEADER_BYTES_MAX)
		return size * count;
	response->too_large = true;
	return 0;
}

/* http and https are the only protocols, and the configured one is the only one of this request. */
static void restrict_protocols(CURL *curl, bool https)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, https ? "https" : "http");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
			 https ? (long)CURLPROTO_HTTPS : (long)CURLPROTO_HTTP);
#endif
}

static void set_options(CURL *curl, const struct config *config, const char *url,
			struct curl_slist *headers, const struct sent *sent,
			struct response *response)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, USER_AGENT);
	restrict_protocols(curl, strncmp(config->metadata_url, "https:", 6) == 0);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	/* Whatever proxy the environment names, it is not for this. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)config->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)config->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, response);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, response);
	if (sent == NULL)
		return;
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent->body);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, sent->method);
}

static enum problem explain(CURLcode code, const struct response *response, const char *url,
			    char *detail)
{
	if (response->too_large) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s sent more than %d bytes", url,
			 METADATA_ANSWER_BYTES_MAX);
		return PROBLEM_ANSWER_TOO_LARGE;
	}
	snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s: %s", url, curl_easy_strerror(code));
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return PROBLEM_ENDPOINT_TIMEOUT;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 */
	case CURLE_BAD_CONTENT_ENCODING:
		return PROBLEM_ANSWER_MALFORMED;
	default:
		return PROBLEM_ENDPOINT_UNREACHABLE;
	}
}

/* One request; `sent` is NULL for GET. */
static enum problem request(const struct config *config, const char *url, const struct sent *sent,
			    struct response *response, char *detail)
{
	_cleanup_(cleanup_curl_easy_cleanup) CURL *curl = NULL;
	_cleanup_(cleanup_curl_slist_free_all) header_list *headers = NULL;
	bool https = strncmp(config->metadata_url, "https:", 6) == 0;
	header_list *longer = NULL;
	CURLcode code;

	/* Making TLS ready takes milliseconds that plain http need not pay. */
	if (curl_global_init(https ? CURL_GLOBAL_SSL : CURL_GLOBAL_NOTHING) == CURLE_OK)
		curl = curl_easy_init();
	headers = curl_slist_append(NULL, "X-Exc-Metadata: 1");
	if (headers != NULL && sent != NULL)
		longer = curl_slist_append(headers, "Content-Type: application/json");
	if (curl == NULL || headers == NULL || (sent != NULL && longer == NULL)) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "libcurl cannot start");
		return PROBLEM_ENDPOINT_UNREACHABLE;
	}
	set_options(curl, config, url, headers, sent, response);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return explain(code, response, config->metadata_url, detail);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response->status);
	if (response->status >= 300 && response->status < 400) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s answered with HTTP status %ld",
			 config->metadata_url, response->status);
		return PROBLEM_REDIRECTED;
	}
	return PROBLEM_NONE;
}

static enum problem wrong_status(const struct config *config, const struct response *response,
				 char *detail)
{
	snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s answered with HTTP status %ld",
		 config->metadata_url, response->status);
	return PROBLEM_HTTP_STATUS;
}

/* Everything but letters, digits and -._~ becomes %XX (RFC 3986 section 2.1). `out` has room for
 * three times the text and its NUL. */
static void percent_encode(const char *text, char *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    strchr("-._~", c) != NULL) {
			*out++ = (char)c;
			continue;
		}
		*out++ = '%';
		*out++ = digits[c >> 4];
		*out++ = digits[c & 15];
	}
	*out = '\0';
}

enum problem metadata_get_grants(const struct config *config, const char *user,
				 const char *fingerprint, const char *nonce, cJSON **answer,
				 char detail[PROBLEM_DETAIL_SIZE])
{
	_cleanup_(free_response) struct response response = { 0 };
	char escaped_user[3 * GRANT_USER_SIZE], escaped_fingerprint[3 * FINGERPRINT_SIZE];
	char url[URL_SIZE];
	enum problem problem;

	*answer = NULL;
	if (strlen(user) >= GRANT_USER_SIZE || strlen(fingerprint) >= FINGERPRINT_SIZE) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "the name does not fit into a request");
		return PROBLEM_USER_NAME_INVALID;
	}
	percent_encode(user, escaped_user);
	percent_encode(fingerprint, escaped_fingerprint);
	snprintf(url, sizeof url, "%s" API "grants?user=%s&fingerprint=%s&nonce=%s",
		 config->metadata_url, escaped_user, escaped_fingerprint, nonce);
	problem = request(config, url, NULL, &response, detail);
	if (problem != PROBLEM_NONE)
		return problem;
	if (response.status == 404)
		return PROBLEM_NONE;
	if (response.status != 200)
		return wrong_status(config, &response, detail);
	if (response.body == NULL ||
	    json_parse(response.body, response.length, answer) != GRANT_OK) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s answered with what is not JSON",
			 config->metadata_url);
		return PROBLEM_ANSWER_MALFORMED;
	}
	return PROBLEM_NONE;
}

/* Send JSON that has no answer but its being taken. */
static enum problem send_json(const struct config *config, const char *method, const char *path,
			      const char *json, char *detail)
{
	_cleanup_(free_response) struct response response = { 0 };
	const struct sent sent = { .method = method, .body = json };
	char url[URL_SIZE];
	enum problem problem;

	snprintf(url, sizeof url, "%s" API "%s", config->metadata_url, path);
	problem = request(config, url, &sent, &response, detail);
	if (problem != PROBLEM_NONE)
		return problem;
	if (response.status == 204 || response.status == 200)
		return PROBLEM_NONE;
	return wrong_status(config, &response, detail);
}

enum problem metadata_post_receipts(const struct config *config, const char *json,
				    char detail[PROBLEM_DETAIL_SIZE])
{
	return send_json(config, "POST", "receipts", json, detail);
}

enum problem metadata_put_host_keys(const struct config *config, const char *json,
				    char detail[PROBLEM_DETAIL_SIZE])
{
	return send_json(config, "PUT", "host-keys", json, detail);
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
