/* SPDX-License-Identifier: Apache-2.0 */
/* Ask one HTTP server, over one connection that is kept, within bounds. */
#include "agent/http.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "grant/cleanup.h"

#define USER_AGENT "exc-instance-connect/" PACKAGE_VERSION

typedef struct curl_slist header_list;
DEFINE_CLEANUP(header_list, curl_slist_free_all);

/* An answer while it comes. */
struct response {
	struct http_answer *answer;
	size_t bytes_max;
	size_t size; /* that the body has room for */
	size_t header_length;
	bool too_large;
};

static int64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Room for `length` more bytes and a NUL; large answers come in many pieces. */
static bool grow(struct response *response, size_t length)
{
	size_t needed = response->answer->length + length + 1;
	size_t size = needed > 2 * response->size ? needed : 2 * response->size;
	char *grown;

	if (needed <= response->size)
		return true;
	grown = realloc(response->answer->body, size);
	if (grown == NULL)
		return false;
	response->answer->body = grown;
	response->size = size;
	return true;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct response *response = context;
	struct http_answer *answer = response->answer;
	size_t length = size * count;

	if (length > response->bytes_max - answer->length) {
		response->too_large = true;
		return 0;
	}
	if (!grow(response, length))
		return 0;
	memcpy(answer->body + answer->length, bytes, length);
	answer->length += length;
	answer->body[answer->length] = '\0';
	return length;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct response *response = context;

	response->header_length += size * count;
	if (response->header_length <= HTTP_HEADER_BYTES_MAX)
		return size * count;
	response->too_large = true;
	return 0;
}

/* http and https are the only protocols, and the configured one is the only one of this server. */
static void restrict_protocols(CURL *curl, bool https)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, https ? "https" : "http");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
			 https ? (long)CURLPROTO_HTTPS : (long)CURLPROTO_HTTP);
#endif
}

enum problem http_open(struct http *http, const struct config *config,
		       char detail[PROBLEM_DETAIL_SIZE])
{
	const bool https = strncmp(config->metadata_url, "https:", 6) == 0;
	CURL *curl = NULL;

	*http = (struct http){ .base = config->metadata_url,
			       .deadline = now_ms() + (int64_t)config->timeout_ms };
	/* Making TLS ready takes milliseconds that plain http need not pay. */
	if (curl_global_init(https ? CURL_GLOBAL_SSL : CURL_GLOBAL_NOTHING) == CURLE_OK)
		curl = curl_easy_init();
	if (curl == NULL) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "libcurl cannot start");
		return PROBLEM_ENDPOINT_UNREACHABLE;
	}
	http->curl = curl;
	curl_easy_setopt(curl, CURLOPT_USERAGENT, USER_AGENT);
	restrict_protocols(curl, https);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	/* Whatever proxy the environment names, it is not for this. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	return PROBLEM_NONE;
}

/* What differs from request to request. */
static void set_request(CURL *curl, const char *url, header_list *headers,
			const struct http_request *request, struct response *response)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, response);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, response);
	if (request->method == NULL)
		curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
	else
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static enum problem explain(CURLcode code, const struct http *http, const struct response *response,
			    char *detail)
{
	if (response->too_large) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s sent more than %zu bytes", http->base,
			 response->bytes_max);
		return PROBLEM_ANSWER_TOO_LARGE;
	}
	snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s: %s", http->base, curl_easy_strerror(code));
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

/* libcurl's form of the headers; NULL when there is no memory, or there are none. */
static header_list *list_headers(const struct http_request *request)
{
	header_list *headers = NULL;

	for (size_t i = 0; i < HTTP_HEADERS_MAX && request->headers[i] != NULL; i++) {
		header_list *longer = curl_slist_append(headers, request->headers[i]);

		if (longer == NULL) {
			curl_slist_free_all(headers);
			return NULL;
		}
		headers = longer;
	}
	return headers;
}

/* Send it, and wait for the whole answer until the deadline. */
static CURLcode perform(const struct http *http)
{
	int64_t left = http->deadline - now_ms();

	/* 0 would mean no limit. */
	if (left <= 0)
		return CURLE_OPERATION_TIMEDOUT;
	curl_easy_setopt(http->curl, CURLOPT_TIMEOUT_MS, (long)left);
	curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)left);
	return curl_easy_perform(http->curl);
}

enum problem http_ask(struct http *http, const struct http_request *request,
		      struct http_answer *answer, char detail[PROBLEM_DETAIL_SIZE])
{
	_cleanup_(cleanup_curl_slist_free_all) header_list *headers = list_headers(request);
	struct response response = { .answer = answer, .bytes_max = request->bytes_max };
	char url[HTTP_URL_SIZE];
	CURLcode code;

	*answer = (struct http_answer){ 0 };
	if (headers == NULL) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "libcurl cannot start");
		return PROBLEM_ENDPOINT_UNREACHABLE;
	}
	snprintf(url, sizeof url, "%s%s", http->base, request->path);
	set_request(http->curl, url, headers, request, &response);
	code = perform(http);
	if (code != CURLE_OK) {
		http_free(answer);
		return explain(code, http, &response, detail);
	}
	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
	if (answer->status < 300 || answer->status >= 400)
		return PROBLEM_NONE;
	http_wrong_status(http, answer, detail);
	http_free(answer);
	return PROBLEM_REDIRECTED;
}

enum problem http_wrong_status(const struct http *http, const struct http_answer *answer,
			       char detail[PROBLEM_DETAIL_SIZE])
{
	snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s answered with HTTP status %ld", http->base,
		 answer->status);
	return PROBLEM_HTTP_STATUS;
}

void http_free(struct http_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
	answer->length = 0;
}

void http_close(struct http *http)
{
	if (http->curl != NULL)
		curl_easy_cleanup(http->curl);
	http->curl = NULL;
}

void http_escape(const char *text, char *out)
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
