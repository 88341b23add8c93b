/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request and its answer, through libwebsockets' callbacks. */
#include "connectd/http/http_exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "connectd/http/http_request.h"

#define RESPONSE_HEADER_SIZE 1024
/* The protocol of RFC 6455 section 4.1, and the other one that libwebsockets accepts */
#define WEBSOCKET "websocket"
#define CLEARTEXT_HTTP2 "h2c"

static void forget(char **secret, size_t length)
{
	if (*secret != NULL)
		OPENSSL_cleanse(*secret, length);
	free(*secret);
	*secret = NULL;
}

static void exchange_clear(struct exchange *exchange)
{
	forget(&exchange->body, exchange->body_length);
	forget(&exchange->answer, LWS_PRE + exchange->answer_length);
	memset(exchange, 0, sizeof *exchange);
}

/* libwebsockets 4.0, which Debian 11 has, crashes when told that there is no type. */
static int start_headers(struct lws *wsi, const struct http_response *response, size_t length,
			 unsigned char **at, unsigned char *end)
{
	unsigned int status = (unsigned int)response->status;

	if (length > 0)
		return lws_add_http_common_headers(
			wsi, status, response->type == NULL ? "application/json" : response->type,
			length, at, end);
	return lws_add_http_header_status(wsi, status, at, end) ||
	       lws_add_http_header_content_length(wsi, 0, at, end);
}

static int add_retry_after(struct lws *wsi, unsigned int seconds, unsigned char **at,
			   unsigned char *end)
{
	char text[16];

	if (seconds == 0)
		return 0;
	snprintf(text, sizeof text, "%u", seconds);
	return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_RETRY_AFTER,
					    (const unsigned char *)text, (int)strlen(text), at,
					    end);
}

static int send_headers(struct lws *wsi, const struct http_response *response, size_t length)
{
	unsigned char buffer[LWS_PRE + RESPONSE_HEADER_SIZE];
	unsigned char *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof buffer - 1;

	if (start_headers(wsi, response, length, &at, end) ||
	    lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CACHE_CONTROL,
					 (const unsigned char *)"no-store", 8, &at, end) ||
	    add_retry_after(wsi, response->retry_after, &at, end) ||
	    lws_finalize_write_http_header(wsi, start, &at, end))
		return -1;
	return 0;
}

/* Send the headers now and the body when the connection is ready. Non-zero closes the connection.
 */
static int send_response(struct lws *wsi, struct exchange *exchange, struct http_response *response)
{
	size_t length = response->body == NULL ? 0 : strlen(response->body);
	int result = send_headers(wsi, response, length);

	if (result == 0 && length > 0) {
		exchange->answer = malloc(LWS_PRE + length);
		if (exchange->answer == NULL)
			result = -1;
		else
			memcpy(exchange->answer + LWS_PRE, response->body, length);
		exchange->answer_length = length;
	}
	forget(&response->body, length);
	if (result != 0)
		return -1;
	if (length == 0) {
		exchange_clear(exchange);
		exchange->answered = true;
		return lws_http_transaction_completed(wsi) ? -1 : 0;
	}
	lws_callback_on_writable(wsi);
	return 0;
}

static int exchange_answer(struct lws *wsi, const struct listener *listener,
			   struct exchange *exchange)
{
	struct http_response response = { .status = 500 };

	if (exchange->answered)
		return 0;
	exchange->answered = true;
	exchange->request.body = exchange->body;
	exchange->request.body_length = exchange->body_length;
	if (exchange->too_large)
		respond_error(&response, 413, "request.too_large", "the body is too large", NULL);
	else
		listener->handle(listener->service, &exchange->request, &response);
	if (response.status >= 100 && response.status / 100 < METRICS_CLASSES)
		listener->answers[response.status / 100]++;
	return send_response(wsi, exchange, &response);
}

static int exchange_begin(struct lws *wsi, const struct listener *listener,
			  struct exchange *exchange)
{
	exchange_clear(exchange);
	if (!request_read(wsi, &exchange->request))
		return -1;
	/* A body follows, and LWS_CALLBACK_HTTP_BODY_COMPLETION after it. */
	if (exchange->request.method == HTTP_POST || exchange->request.method == HTTP_PUT) {
		char length[32];

		if (lws_hdr_copy(wsi, length, sizeof length, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 &&
		    strtoul(length, NULL, 10) > 0)
			return 0;
	}
	return exchange_answer(wsi, listener, exchange);
}

static int exchange_take_body(const struct listener *listener, struct exchange *exchange,
			      const void *bytes, size_t length)
{
	char *grown;

	if (length > listener->body_max - exchange->body_length)
		exchange->too_large = true;
	if (exchange->too_large || length == 0)
		return 0;
	grown = realloc(exchange->body, exchange->body_length + length);
	if (grown == NULL)
		return -1;
	memcpy(grown + exchange->body_length, bytes, length);
	exchange->body = grown;
	exchange->body_length += length;
	return 0;
}

static int send_body(struct lws *wsi, struct exchange *exchange)
{
	int written;

	if (exchange->answer == NULL)
		return 0;
	written = lws_write(wsi, (unsigned char *)exchange->answer + LWS_PRE,
			    exchange->answer_length, LWS_WRITE_HTTP_FINAL);
	exchange_clear(exchange);
	if (written < 0)
		return -1;
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* Send a whole refusal, headers and body, as there is no later callback; and the status line as
 * well, as libwebsockets has not parsed the request's version yet, and would send 1.0, which
 * WebSocket clients do not accept. Returns what upgrade() does: the connection ends, as what
 * follows could be in the refused protocol. */
static int refuse_upgrade(struct lws *wsi, const struct listener *listener,
			  struct http_response *response)
{
	const char *body = response->body == NULL ? "" : response->body;
	size_t size = RESPONSE_HEADER_SIZE + strlen(body);
	_cleanup_free_ char *text = malloc(LWS_PRE + size);
	char retry_after[40] = "";

	if (response->retry_after > 0)
		snprintf(retry_after, sizeof retry_after, "retry-after: %u\r\n",
			 response->retry_after);
	if (text != NULL) {
		int length = snprintf(text + LWS_PRE, size,
				      "HTTP/1.1 %d \r\nserver: exc-connectd\r\n"
				      "content-type: application/json\r\ncontent-length: %zu\r\n"
				      "cache-control: no-store\r\nconnection: close\r\n%s\r\n%s",
				      response->status, strlen(body), retry_after, body);

		lws_write(wsi, (unsigned char *)text + LWS_PRE, (size_t)length,
			  LWS_WRITE_HTTP_FINAL);
	}
	listener->answers[response->status / 100]++;
	free(response->body);
	/* cppcheck-suppress memleak ; an attribute frees text */
	return -1;
}

/* Does libwebsockets still wait for us to decide? It has answered anything but its own two
 * protocols with a 403; on a kept connection it has then freed the headers, so that its pointer to
 * this one, which the callback gets and libwebsockets itself reads after a 0, is dangling.
 * `protocol` is the first Upgrade header. */
static bool upgrade_is_open(struct lws *wsi, char protocol[sizeof WEBSOCKET])
{
	return lws_hdr_copy_fragment(wsi, protocol, sizeof WEBSOCKET, WSI_TOKEN_UPGRADE, 0) > 0 &&
	       (strcasecmp(protocol, WEBSOCKET) == 0 || strcasecmp(protocol, CLEARTEXT_HTTP2) == 0);
}

/* A client asks for another protocol: 0 lets libwebsockets continue, -1 ends the connection. */
static int upgrade(struct lws *wsi, const struct listener *listener)
{
	struct http_response response = { .status = 500 };
	struct http_request request = { 0 };
	char protocol[sizeof WEBSOCKET];

	if (!upgrade_is_open(wsi, protocol) || !request_read(wsi, &request))
		return -1;
	/* A second header makes it longer. */
	if (strcasecmp(protocol, WEBSOCKET) != 0 ||
	    lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) != (int)strlen(WEBSOCKET))
		respond_error(&response, 400, "request.upgrade_unsupported",
			      "the only upgrade here is websocket: send the request without this "
			      "Upgrade header",
			      NULL);
	else if (listener->sockets == NULL)
		respond_error(&response, 404, "metadata.not_found", "no WebSockets here", NULL);
	else if (web_socket_admit(listener->sockets, wsi, &request, &response))
		return 0;
	return refuse_upgrade(wsi, listener, &response);
}

int exchange_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *bytes,
		   size_t length)
{
	const struct lws_protocols *protocol = lws_get_protocol(wsi);
	const struct listener *listener = protocol == NULL ? NULL : protocol->user;
	int result;

	if (web_socket_event(wsi, reason, bytes, length, &result))
		return result;
	if (listener == NULL)
		return lws_callback_http_dummy(wsi, reason, user, bytes, length);
	switch (reason) {
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return upgrade(wsi, listener);
	/* After a CONNECT libwebsockets would keep the connection without a time limit. */
	case LWS_CALLBACK_RAW_ADOPT:
		return -1;
	case LWS_CALLBACK_HTTP:
		return exchange_begin(wsi, listener, user);
	case LWS_CALLBACK_HTTP_BODY:
		return exchange_take_body(listener, user, bytes, length);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return exchange_answer(wsi, listener, user);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return send_body(wsi, user);
	case LWS_CALLBACK_CLOSED_HTTP:
		if (user != NULL)
			exchange_clear(user);
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, user, bytes, length);
	}
}
