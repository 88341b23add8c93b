/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request at a time, by libcurl, over one connection that is kept, within bounds. */
#include "fetch/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/ssl.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define USER_AGENT "exc-instance-connect/" PACKAGE_VERSION
/* The URL's own path, and a request's */
#define URL_SIZE 2048

typedef struct curl_slist curl_slist;
DEFINE_CLEANUP(curl_slist, curl_slist_free_all);
DEFINE_CLEANUP(CURL, curl_easy_cleanup);

static struct {
	/* Keeps the connection. Each request has a handle of its own: one handle counts over all
	 * its requests how often a server has closed the connection. */
	CURLSH *share;
	const char *url;
	curl_slist *resolved; /* or NULL */
	char complaint[CURL_ERROR_SIZE];
	char detail[FETCH_DETAIL_SIZE];
	/* Of the request in progress */
	char *body;
	size_t length, bytes_max;
	size_t header_bytes;
	bool is_too_large;
} transfer;

static size_t take_body(const char *bytes, size_t one, size_t count, void *context)
{
	char *longer;

	(void)one; /* it is 1 */
	(void)context;
	if (count > transfer.bytes_max - transfer.length) {
		transfer.is_too_large = true;
		return 0;
	}
	longer = realloc(transfer.body, transfer.length + count);
	if (longer == NULL)
		return 0;
	transfer.body = longer;
	memcpy(longer + transfer.length, bytes, count);
	transfer.length += count;
	return count;
}

/* libcurl bounds a line, but neither their number nor that of interim answers. */
static size_t count_header(const char *bytes, size_t one, size_t count, void *context)
{
	(void)bytes;
	(void)one;
	(void)context;
	transfer.header_bytes += count;
	return transfer.header_bytes > FETCH_HEADER_BYTES_MAX ? 0 : count;
}

static bool set_bounds(CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_SHARE, transfer.share) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_RESOLVE, transfer.resolved) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.complaint) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count_header) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
		       CURLE_OK &&
#if CURL_AT_LEAST_VERSION(7, 64, 0)
	       curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
#endif
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT) == CURLE_OK;
}

/* libcurl starts OpenSSL whether or not there is TLS. Without it, leave out what takes a tenth of
 * this program's time: its configuration file, and names of algorithms and errors. */
static void spare_openssl(void)
{
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_SSL_STRINGS | OPENSSL_INIT_NO_LOAD_CONFIG |
				 OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
				 OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS,
			 NULL);
}

bool transfer_prepare(const char *url, const struct endpoint *endpoint, const char *resolved)
{
	if (!endpoint->https)
		spare_openssl();
	if (curl_global_init(CURL_GLOBAL_SSL) != 0)
		return false;
	transfer.url = url;
	transfer.share = curl_share_init();
	if (transfer.share == NULL || curl_share_setopt(transfer.share, CURLSHOPT_SHARE,
							CURL_LOCK_DATA_CONNECT) != CURLSHE_OK)
		return false;
	if (resolved[0] == '\0')
		return true;
	transfer.resolved = curl_slist_append(NULL, resolved);
	return transfer.resolved != NULL;
}

/* The request's own headers. Without Expect, libcurl sends a body at once. */
static bool set_headers(CURL *easy, const char *const texts[FETCH_TEXTS], curl_slist **headers)
{
	const char *const lines[] = { texts[FETCH_HEADER], texts[FETCH_SECOND_HEADER], "Expect:" };

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		curl_slist *longer =
			lines[i][0] == '\0' ? *headers : curl_slist_append(*headers, lines[i]);

		if (lines[i][0] != '\0' && longer == NULL)
			return false;
		*headers = longer;
	}
	return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers) == CURLE_OK;
}

static bool set_request(CURL *easy, const struct fetch_request *request,
			const char *const texts[FETCH_TEXTS], long left)
{
	char url[URL_SIZE];

	if ((size_t)snprintf(url, sizeof url, "%s%s", transfer.url, texts[FETCH_PATH]) >=
	    sizeof url)
		return false;
	free(transfer.body);
	transfer.body = NULL;
	transfer.length = transfer.header_bytes = 0;
	transfer.bytes_max = request->bytes_max;
	transfer.is_too_large = false;
	transfer.complaint[0] = '\0';
	if (curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left) != CURLE_OK)
		return false;
	if (strcmp(texts[FETCH_METHOD], "GET") == 0)
		return true;
	return curl_easy_setopt(easy, CURLOPT_POSTFIELDS, texts[FETCH_BODY]) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, texts[FETCH_METHOD]) == CURLE_OK;
}

/* Was the request sent at all? */
static bool is_connected(CURL *easy)
{
	double seconds = 0;

	return curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME, &seconds) == CURLE_OK &&
	       seconds > 0;
}

static const char *complain(CURLcode code)
{
	return transfer.complaint[0] != '\0' ? transfer.complaint : curl_easy_strerror(code);
}

static enum fetch_result explain(CURL *easy, const struct fetch_request *request, CURLcode code)
{
	char *detail = transfer.detail;

	detail[0] = '\0';
	if (code == CURLE_OPERATION_TIMEDOUT)
		return is_connected(easy) ? FETCH_NO_ANSWER : FETCH_NO_CONNECTION;
	if (transfer.is_too_large) {
		snprintf(detail, FETCH_DETAIL_SIZE, "it sent more than %lu bytes",
			 (unsigned long)request->bytes_max);
		return FETCH_TOO_LARGE;
	}
	if (transfer.header_bytes > FETCH_HEADER_BYTES_MAX) {
		snprintf(detail, FETCH_DETAIL_SIZE, "it sent over %d KiB of headers",
			 FETCH_HEADER_BYTES_MAX / 1024);
		return FETCH_MALFORMED;
	}
	/* Older versions call a line of a header that is too long for them that, too. */
	if (code == CURLE_OUT_OF_MEMORY)
		snprintf(detail, FETCH_DETAIL_SIZE,
			 "a header is too long, or there is not enough memory");
	else
		snprintf(detail, FETCH_DETAIL_SIZE, "%.*s", FETCH_DETAIL_SIZE - 1, complain(code));
	return is_connected(easy) ? FETCH_MALFORMED : FETCH_UNREACHABLE;
}

struct fetch_answer transfer_ask(const struct fetch_request *request,
				 const char *const texts[FETCH_TEXTS], const char **text)
{
	const int64_t left = request->deadline - clock_monotonic_ms();
	_cleanup_(cleanup_curl_slist_free_all) curl_slist *headers = NULL;
	struct fetch_answer answer = { .result = FETCH_NO_CONNECTION };
	_cleanup_(cleanup_curl_easy_cleanup) CURL *easy = NULL;
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;

	*text = transfer.detail;
	transfer.detail[0] = '\0';
	if (left <= 0)
		return answer;
	easy = curl_easy_init();
	if (easy == NULL) {
		answer.result = FETCH_UNREACHABLE;
		answer.length = (uint32_t)snprintf(transfer.detail, sizeof transfer.detail,
						   "not enough memory to ask");
		return answer;
	}
	if (set_bounds(easy) && set_request(easy, request, texts, (long)left) &&
	    set_headers(easy, texts, &headers))
		code = curl_easy_perform(easy);
	if (code != CURLE_OK) {
		answer.result = explain(easy, request, code);
		answer.length = (uint32_t)strlen(transfer.detail);
		return answer;
	}
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	*text = transfer.body;
	return (struct fetch_answer){ .result = FETCH_ANSWERED,
				      .status = (int32_t)status,
				      .length = (uint32_t)transfer.length };
}
