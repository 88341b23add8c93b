/* SPDX-License-Identifier: Apache-2.0 */
/* Ask one HTTP server, over one connection that is kept, within bounds. */
#include "agent/http/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/http.h>

#include "agent/http/http_connection.h"
#include "agent/http/http_tls.h"

#define USER_AGENT "exc-instance-connect/" PACKAGE_VERSION

/* A request in progress, and its outcome. */
struct exchange {
	struct http *http;
	struct http_answer *answer;
	bool was_kept; /* the connection, from an earlier exchange */
	bool done;
	bool failed; /* the connection, or what came over it */
	bool out_of_memory;
	enum evhttp_request_error error; /* how it failed, */
	int error_number; /* and errno */
};

static void say_nothing(int severity, const char *message)
{
	/* explain() reports what went wrong; sshd would log libevent's messages as its own errors.
	 */
}

enum problem http_open(struct http *http, const struct config *config,
		       char detail[PROBLEM_DETAIL_SIZE])
{
	http_use_memory();
	event_set_log_callback(say_nothing);
	*http = (struct http){ .url = config->metadata_url };
	if (!endpoint_from_url(http->url, &http->endpoint)) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s is not a usable address", http->url);
		return PROBLEM_ENDPOINT_UNREACHABLE;
	}
	if (http_prepare(http, config->timeout_ms))
		return PROBLEM_NONE;
	snprintf(detail, PROBLEM_DETAIL_SIZE, "libevent cannot start");
	return PROBLEM_ENDPOINT_UNREACHABLE;
}

static void fail(enum evhttp_request_error error, void *context)
{
	struct exchange *exchange = context;

	/* libevent keeps errno for this callback. */
	exchange->error_number = errno;
	exchange->failed = true;
	exchange->error = error;
}

/* The body is copied: libevent frees its own with the request. */
static void keep_body(struct exchange *exchange, struct evbuffer *body)
{
	struct http_answer *answer = exchange->answer;
	size_t length = evbuffer_get_length(body);

	if (length == 0)
		return;
	answer->body = malloc(length + 1);
	/* gcc-suppress analyzer-malloc-leak ; the answer is the caller's, who frees it */
	if (answer->body == NULL) {
		exchange->out_of_memory = true;
		return;
	}
	evbuffer_remove(body, answer->body, length);
	answer->body[length] = '\0';
	answer->length = length;
}

/* The answer is complete, or there is none: then libevent passes NULL, or a request without a
 * status if it could not connect. */
static void exchange_finish(struct evhttp_request *request, void *context)
{
	struct exchange *exchange = context;

	exchange->done = true;
	event_base_loopbreak(exchange->http->base);
	if (request == NULL || exchange->failed)
		return;
	exchange->answer->status = evhttp_request_get_response_code(request);
	if (exchange->answer->status != 0)
		keep_body(exchange, evhttp_request_get_input_buffer(request));
}

static bool add_headers(struct evhttp_request *out, const struct http *http,
			const struct http_request *request)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(out);

	if (evhttp_add_header(headers, "Host", http->endpoint.authority) != 0 ||
	    evhttp_add_header(headers, "User-Agent", USER_AGENT) != 0 ||
	    evhttp_add_header(headers, "Accept", "*/*") != 0)
		return false;
	for (size_t i = 0; i < HTTP_HEADERS_MAX && request->headers[i].name != NULL; i++)
		if (evhttp_add_header(headers, request->headers[i].name,
				      request->headers[i].value) != 0)
			return false;
	return request->method == NULL || evbuffer_add(evhttp_request_get_output_buffer(out),
						       request->body, strlen(request->body)) == 0;
}

static enum evhttp_cmd_type get_command(const struct http_request *request)
{
	if (request->method == NULL)
		return EVHTTP_REQ_GET;
	return strcmp(request->method, "PUT") == 0 ? EVHTTP_REQ_PUT : EVHTTP_REQ_POST;
}

/* Pass the request to libevent. False if there is no memory. */
static bool exchange_begin(struct http *http, const struct http_request *request,
			   struct exchange *exchange)
{
	struct evhttp_request *out;
	char path[HTTP_PATH_SIZE];

	if (http->closed)
		http_disconnect(http);
	http->heard = 0;
	http->heard_max = request->bytes_max + HTTP_HEADER_BYTES_MAX;
	if (http->connection == NULL && !http_connect(http))
		return false;
	evhttp_connection_set_max_body_size(http->connection, (ev_ssize_t)request->bytes_max);
	out = evhttp_request_new(exchange_finish, exchange);
	if (out == NULL)
		return false;
	evhttp_request_set_error_cb(out, fail);
	if (!add_headers(out, http, request)) {
		evhttp_request_free(out);
		return false;
	}
	snprintf(path, sizeof path, "%s%s", http->endpoint.path, request->path);
	/* From here on libevent owns the request, even on failure. */
	return evhttp_make_request(http->connection, out, get_command(request), path) == 0;
}

/* Wait for the complete answer, until the deadline or until more has come than is allowed. */
static void wait_until_done(struct http *http, struct exchange *exchange)
{
	while (!exchange->done && !http->late && !http_is_flooded(http))
		if (event_base_dispatch(http->base) != 0)
			return;
}

/* Why there is no connection: certificate, name, or what connect(2) said. */
static const char *complain(const struct http *http, const struct exchange *exchange)
{
	const char *complaint = http_tls_complaint(http->stream);
	int unresolved = bufferevent_socket_get_dns_error(http->stream);

	if (complaint != NULL)
		return complaint;
	if (unresolved != 0)
		return evutil_gai_strerror(unresolved);
	/* Refusal is the only error for which libevent does not call fail(). */
	return strerror(exchange->failed ? exchange->error_number : ECONNREFUSED);
}

/* Name the problem of an exchange without a complete answer. */
static enum problem explain(const struct http *http, const struct http_request *request,
			    const struct exchange *exchange, char *detail)
{
	if (http->late) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s: no %s in time", http->url,
			 http->connected ? "answer" : "connection");
		return PROBLEM_ENDPOINT_TIMEOUT;
	}
	if (http_is_flooded(http) || exchange->error == EVREQ_HTTP_DATA_TOO_LONG) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s sent more than %zu bytes", http->url,
			 request->bytes_max);
		return PROBLEM_ANSWER_TOO_LARGE;
	}
	if (!exchange->done || exchange->out_of_memory) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "no memory for a request");
		return PROBLEM_ENDPOINT_UNREACHABLE;
	}
	if (!http->connected) {
		snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s: %s", http->url,
			 complain(http, exchange));
		return PROBLEM_ENDPOINT_UNREACHABLE;
	}
	snprintf(detail, PROBLEM_DETAIL_SIZE, "%.150s: %s", http->url,
		 exchange->error == EVREQ_HTTP_INVALID_HEADER
			 ? "the answer is not HTTP, or has over 16 KiB of headers"
			 : "the answer ends too early");
	return PROBLEM_ANSWER_MALFORMED;
}

/* Did the server close a kept connection during the request? */
static bool is_worth_another_try(const struct http *http, const struct exchange *exchange)
{
	return exchange->was_kept && exchange->failed && exchange->error == EVREQ_HTTP_EOF &&
	       http->heard == 0 && !http->late;
}

/* Ask once. False if there is no complete answer. */
static bool try_once(struct http *http, const struct http_request *request,
		     struct exchange *exchange)
{
	/* Notice here that the server has closed a kept connection, and connect again. */
	event_base_loop(http->base, EVLOOP_NONBLOCK);
	exchange->was_kept = http->connected && !http->closed;
	if (!http->late && exchange_begin(http, request, exchange))
		wait_until_done(http, exchange);
	return exchange->answer->status != 0 && !exchange->out_of_memory;
}

enum problem http_ask(struct http *http, const struct http_request *request,
		      struct http_answer *answer, char detail[PROBLEM_DETAIL_SIZE])
{
	struct exchange exchange = { .http = http, .answer = answer };
	enum problem problem;
	bool answered;

	*answer = (struct http_answer){ 0 };
	answered = try_once(http, request, &exchange);
	/* Servers may close idle connections at any time (RFC 9112 section 9.3.1). */
	if (!answered && is_worth_another_try(http, &exchange)) {
		exchange = (struct exchange){ .http = http, .answer = answer };
		http_disconnect(http);
		answered = try_once(http, request, &exchange);
	}
	if (!answered) {
		problem = explain(http, request, &exchange, detail);
		http_disconnect(http);
		return problem;
	}
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

void http_close(struct http *http)
{
	http_disconnect(http);
	if (http->names != NULL)
		evdns_base_free(http->names, 0);
	if (http->deadline != NULL)
		event_free(http->deadline);
	if (http->base != NULL)
		event_base_free(http->base);
	*http = (struct http){ 0 };
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
