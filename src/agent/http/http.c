/* SPDX-License-Identifier: Apache-2.0 */
/* Ask one HTTP server, over one connection that is kept, within bounds. */
#include "agent/http/http.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http/fetch_process.h"
#include "base/clock.h"
#include "fetch/protocol.h"

/* Milliseconds after the deadline in which the fetch program can still tell what it waited for. */
#define GRACE_MS 100

enum problem http_open(struct http *http, const struct config *config,
		       char detail[PROBLEM_DETAIL_SIZE])
{
	const int error = fetch_process_start(config);

	*http = (struct http){ .url = config->metadata_url,
			       .deadline = clock_monotonic_ms() + config->timeout_ms };
	if (error == 0)
		return PROBLEM_NONE;
	snprintf(detail, PROBLEM_DETAIL_SIZE, "the fetch program cannot be started: %s",
		 strerror(error));
	return PROBLEM_ENDPOINT_UNREACHABLE;
}

/* The request in one piece, for the caller to free; NULL if there is no memory, or it is too long.
 */
static char *make_message(const struct http *http, const struct http_request *request,
			  size_t *length)
{
	struct fetch_request head = { .deadline = http->deadline,
				      .bytes_max = (uint32_t)request->bytes_max };
	char *message = NULL;
	FILE *out = open_memstream(&message, length);
	bool complete;

	if (out == NULL)
		return NULL;
	fwrite(&head, sizeof head, 1, out);
	fprintf(out, "%s%c%s%c", request->method == NULL ? "GET" : request->method, '\0',
		request->path, '\0');
	for (size_t i = 0; i < HTTP_HEADERS_MAX; i++)
		if (request->headers[i].name != NULL)
			fprintf(out, "%s: %s%c", request->headers[i].name,
				request->headers[i].value, '\0');
		else
			fputc('\0', out);
	fprintf(out, "%s%c", request->body == NULL ? "" : request->body, '\0');
	complete = ferror(out) == 0;
	if (fclose(out) != 0 || !complete || *length - sizeof head > FETCH_TEXTS_BYTES_MAX) {
		free(message);
		return NULL;
	}
	head.length = (uint32_t)(*length - sizeof head);
	memcpy(message, &head, sizeof head);
	return message;
}

/* Receive what follows the answer's head: `length` bytes and a NUL. NULL, with errno, if it does
 * not come. */
static char *receive_text(const struct http *http, size_t length)
{
	char *text = malloc(length + 1);

	if (text == NULL)
		return NULL;
	if (!fetch_process_receive(text, length, http->deadline + GRACE_MS)) {
		free(text);
		return NULL;
	}
	text[length] = '\0';
	return text;
}

/* The exchange with the fetch program. False, with errno, if it fails. */
static bool exchange(const struct http *http, const struct http_request *request,
		     struct fetch_answer *head, char **text)
{
	size_t length, length_max = request->bytes_max;
	char *message = make_message(http, request, &length);
	bool sent;

	*text = NULL;
	errno = ENOMEM;
	sent = message != NULL && fetch_process_send(message, length);
	free(message);
	if (sent && request->meanwhile != NULL)
		request->meanwhile(request->context);
	if (!sent || !fetch_process_receive(head, sizeof *head, http->deadline + GRACE_MS))
		return false;
	if (head->result != FETCH_ANSWERED)
		length_max = FETCH_DETAIL_SIZE - 1;
	errno = EPROTO;
	if (head->length > length_max)
		return false;
	*text = receive_text(http, head->length);
	return *text != NULL;
}

/* What the fetch program tells is from the network, or may be. */
static void make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

/* Name the problem of an exchange without a complete answer. */
static enum problem explain(const struct http *http, const struct fetch_answer *head, char *text,
			    char *detail)
{
	const bool is_late = head->result == FETCH_NO_CONNECTION || head->result == FETCH_NO_ANSWER;

	make_printable(text);
	snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s: %.100s", http->url,
		 !is_late                          ? text
		 : head->result == FETCH_NO_ANSWER ? "no answer in time"
						   : "no connection in time");
	switch (head->result) {
	case FETCH_NO_CONNECTION:
	case FETCH_NO_ANSWER:
		return PROBLEM_ENDPOINT_TIMEOUT;
	case FETCH_TOO_LARGE:
		return PROBLEM_ANSWER_TOO_LARGE;
	case FETCH_MALFORMED:
		return PROBLEM_ANSWER_MALFORMED;
	default:
		return PROBLEM_ENDPOINT_UNREACHABLE;
	}
}

enum problem http_ask(struct http *http, const struct http_request *request,
		      struct http_answer *answer, char detail[PROBLEM_DETAIL_SIZE])
{
	struct fetch_answer head = { 0 };
	enum problem problem;
	char *text;

	*answer = (struct http_answer){ 0 };
	if (!exchange(http, request, &head, &text)) {
		if (errno == ETIMEDOUT) {
			snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s: no answer in time",
				 http->url);
			return PROBLEM_ENDPOINT_TIMEOUT;
		}
		snprintf(detail, PROBLEM_DETAIL_SIZE, "the fetch program: %s", strerror(errno));
		return PROBLEM_ENDPOINT_UNREACHABLE;
	}
	if (request->is_last)
		fetch_process_end();
	if (head.result != FETCH_ANSWERED) {
		problem = explain(http, &head, text, detail);
		free(text);
		return problem;
	}
	*answer =
		(struct http_answer){ .status = head.status, .body = text, .length = head.length };
	if (answer->status < 300 || answer->status >= 400)
		return PROBLEM_NONE;
	http_wrong_status(http, answer, detail);
	http_free(answer);
	return PROBLEM_REDIRECTED;
}

enum problem http_wrong_status(const struct http *http, const struct http_answer *answer,
			       char detail[PROBLEM_DETAIL_SIZE])
{
	snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s answered with HTTP status %d", http->url,
		 answer->status);
	return PROBLEM_HTTP_STATUS;
}

void http_free(struct http_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
	answer->length = 0;
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
