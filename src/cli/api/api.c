/* SPDX-License-Identifier: Apache-2.0 */
/* Ask the control plane over HTTP, a bounded number of times. */
#include "cli/api/api.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

#include "cli/terminal/options.h"
#include "cli/terminal/say.h"
#include "base/cleanup.h"
#include "base/number.h"

#define USER_AGENT "exc/" PACKAGE_VERSION
#define HEADER_BYTES_MAX (64 * 1024)
/* "Authorization: Bearer " and the token */
#define HEADER_SIZE (TOKEN_SIZE + 32)
#define URL_SIZE (ENDPOINT_SIZE + API_PATH_SIZE)
/* Before the second attempt; twice that before the third */
#define PAUSE_MS 250
#define RETRY_AFTER_MAX 86400

DEFINE_CLEANUP(CURL, curl_easy_cleanup);
typedef struct curl_slist header_list;
DEFINE_CLEANUP(header_list, curl_slist_free_all);

/* What has arrived of an answer. */
struct received {
	char *body; /* grows up to API_ANSWER_BYTES_MAX */
	size_t length;
	size_t header_length;
	unsigned int retry_after;
};

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct received *received = context;
	size_t length = size * count;
	char *grown;

	if (length > API_ANSWER_BYTES_MAX - received->length)
		return 0;
	grown = realloc(received->body, received->length + length + 1);
	if (grown == NULL)
		return 0;
	memcpy(grown + received->length, bytes, length);
	received->body = grown;
	received->length += length;
	return length;
}

/* Retry-After in seconds (RFC 9110 section 10.2.3); a date there is ignored. */
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
	static const char name[] = "retry-after:";
	struct received *received = context;
	size_t length = size * count, at = sizeof name - 1, digits = 0;
	char number[10];

	received->header_length += length;
	if (received->header_length > HEADER_BYTES_MAX)
		return 0;
	if (length <= at || strncasecmp(bytes, name, at) != 0)
		return length;
	while (at < length && bytes[at] == ' ')
		at++;
	while (at < length && digits < sizeof number - 1 && bytes[at] >= '0' && bytes[at] <= '9')
		number[digits++] = bytes[at++];
	number[digits] = '\0';
	if (!number_parse(number, 0, RETRY_AFTER_MAX, &received->retry_after))
		received->retry_after = 0;
	return length;
}

/* Takes `list`, and frees it when there is no memory. */
static header_list *add_header(header_list *list, const char *name, const char *value)
{
	char text[HEADER_SIZE];
	header_list *longer;

	if (list == NULL)
		return NULL;
	snprintf(text, sizeof text, "%s%s", name, value);
	longer = curl_slist_append(list, text);
	OPENSSL_cleanse(text, sizeof text);
	if (longer == NULL)
		curl_slist_free_all(list);
	return longer;
}

static header_list *make_headers(const struct account *account, const struct api_request *request)
{
	header_list *list = curl_slist_append(NULL, "Accept: application/json");

	list = add_header(list, "Authorization: Bearer ", account->token);
	if (request->body != NULL)
		list = add_header(list, "Content-Type: application/json", "");
	if (request->idempotency_key != NULL)
		list = add_header(list, "Idempotency-Key: ", request->idempotency_key);
	return list;
}

static void forget_headers(header_list *list)
{
	for (; list != NULL; list = list->next)
		OPENSSL_cleanse(list->data, strlen(list->data));
}

static void restrict_protocols(CURL *curl, bool tls)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
			 tls ? (long)CURLPROTO_HTTPS : (long)CURLPROTO_HTTP);
#endif
}

static void set_options(CURL *curl, const struct account *account,
			const struct api_request *request, header_list *headers,
			struct received *received)
{
	char url[URL_SIZE];

	snprintf(url, sizeof url, "%s%s", account->endpoint.url, request->path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, USER_AGENT);
	restrict_protocols(curl, account->endpoint.tls);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)API_SECONDS);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)API_CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, received);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, received);
	/* A company's proxy may lead to the control plane, but never to this machine. */
	if (account->endpoint.loopback)
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	if (account->cacert != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, account->cacert);
	if (request->body != NULL)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
}

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text == NULL ? "" : text);
	say_harmless(out);
}

/* {"error":{"code","message","request_id"}}, or a proxy's answer instead. */
static void read_error(struct api_answer *answer, const cJSON *json)
{
	const cJSON *error = json_member(json, "error");

	copy(answer->code, sizeof answer->code, json_string(error, "code"));
	copy(answer->message, sizeof answer->message, json_string(error, "message"));
	copy(answer->request_id, sizeof answer->request_id, json_string(error, "request_id"));
	if (answer->code[0] != '\0')
		return;
	snprintf(answer->code, sizeof answer->code, API_CODE_ANSWER);
	snprintf(answer->message, sizeof answer->message,
		 "the endpoint answered with HTTP status %ld, but not as the API does",
		 answer->status);
}

static void read_answer(struct api_answer *answer, const struct received *received)
{
	cJSON *json = NULL;

	answer->retry_after = received->retry_after;
	if (received->body != NULL)
		json_parse(received->body, received->length, &json);
	if (answer->status == 200 && json != NULL) {
		copy(answer->request_id, sizeof answer->request_id,
		     json_string(json, "request_id"));
		answer->json = json;
		return;
	}
	read_error(answer, json);
	cJSON_Delete(json);
}

/* One attempt. */
static CURLcode perform(CURL *curl, const struct account *account,
			const struct api_request *request, struct api_answer *answer)
{
	_cleanup_(cleanup_curl_slist_free_all) header_list *headers =
		make_headers(account, request);
	struct received received = { 0 };
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (headers != NULL) {
		curl_easy_reset(curl);
		set_options(curl, account, request, headers, &received);
		code = curl_easy_perform(curl);
		forget_headers(headers);
	}
	if (code == CURLE_OK) {
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
		read_answer(answer, &received);
	} else {
		snprintf(answer->code, sizeof answer->code, API_CODE_NETWORK);
		snprintf(answer->message, sizeof answer->message, "%.200s: %s",
			 account->endpoint.url,
			 code == CURLE_WRITE_ERROR ? "the answer is too large"
						   : curl_easy_strerror(code));
	}
	free(received.body);
	return code;
}

/* Is it worth trying again in a moment? */
static bool may_be_better(CURLcode code, const struct api_answer *answer)
{
	switch (code) {
	case CURLE_OK:
		return answer->status == 429 || answer->status == 502 || answer->status == 503 ||
		       answer->status == 504;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return true;
	default:
		return false;
	}
}

/* Wait before the next attempt. False when that would take too long. */
static bool pause_before(unsigned int attempt, const struct api_answer *answer)
{
	struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L * attempt };

	if (answer->retry_after > API_WAIT_SECONDS_MAX)
		return false;
	if (answer->retry_after > 0) {
		say("the control plane is busy; trying again in %u s (%s)", answer->retry_after,
		    answer->code);
		pause = (struct timespec){ .tv_sec = answer->retry_after };
	}
	nanosleep(&pause, NULL);
	return true;
}

bool api_call(const struct account *account, const struct api_request *request,
	      struct api_answer *answer)
{
	_cleanup_(cleanup_curl_easy_cleanup) CURL *curl = NULL;
	/* Asking twice must not do the thing twice. */
	bool repeatable = request->body == NULL || request->idempotency_key != NULL;
	CURLcode code;

	if (curl_global_init(account->endpoint.tls ? CURL_GLOBAL_SSL : CURL_GLOBAL_NOTHING) ==
	    CURLE_OK)
		curl = curl_easy_init();
	if (curl == NULL) {
		snprintf(answer->code, sizeof answer->code, API_CODE_NETWORK);
		snprintf(answer->message, sizeof answer->message, "cannot start libcurl");
		return false;
	}
	for (unsigned int attempt = 1;; attempt++) {
		api_answer_free(answer);
		code = perform(curl, account, request, answer);
		if (!repeatable || attempt == API_ATTEMPTS_MAX || !may_be_better(code, answer) ||
		    !pause_before(attempt, answer))
			return answer->json != NULL;
	}
}

/* What the user can do, by the beginning of the code. */
static const struct advice {
	const char *code;
	const char *text;
} advices[] = {
	{ "compute.auth.", "run exc login, or set EXCLOUD_ACCESS_TOKEN to a valid token" },
	{ "compute.instance.forbidden",
	  "ask your administrator for access to this VM; exc me shows who you are" },
	{ "compute.instance.user_not_allowed",
	  "name another user with --user, or leave it out for the VM's default" },
	{ "compute.instance.not_found", "check --vm-id, and the endpoint in use: exc me" },
	{ "compute.request.invalid_user", "name a Linux user with --user" },
	{ "compute.request.invalid_command",
	  "a command is one line that does not end in a backslash; for more: --command sh <SCRIPT" },
	{ "compute.idempotency.", "run the command again" },
	{ "compute.unavailable", "try again; if that does not help, tell your administrator" },
	{ "compute.request.", "tell your administrator: this exc and the control plane disagree" },
	{ API_CODE_NETWORK, "check the network and the endpoint: --endpoint, EXC_ENDPOINT "
			    "or ~/.exc/config" },
	{ API_CODE_ANSWER, "check the endpoint: --endpoint, EXC_ENDPOINT or ~/.exc/config" },
};

void api_say_failure(const struct account *account, const struct api_answer *answer)
{
	say("%s (%s%s%s)", answer->message, answer->code,
	    answer->request_id[0] == '\0' ? "" : ", request ", answer->request_id);
	if (answer->retry_after > 0) {
		say("try again in %u s", answer->retry_after);
		return;
	}
	for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
		if (strncmp(answer->code, advices[i].code, strlen(advices[i].code)) == 0) {
			say("%s", advices[i].text);
			return;
		}
	}
	say("tell your administrator; the endpoint is %s", account->endpoint.url);
}

bool api_make_idempotency_key(char key[IDEMPOTENCY_KEY_SIZE])
{
	uint8_t bytes[(IDEMPOTENCY_KEY_SIZE - 1) / 2];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return false;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(key + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

void api_answer_free(struct api_answer *answer)
{
	cJSON_Delete(answer->json);
	memset(answer, 0, sizeof *answer);
}
