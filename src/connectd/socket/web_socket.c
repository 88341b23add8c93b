/* SPDX-License-Identifier: Apache-2.0 */
/* A WebSocket (RFC 6455), from the request for it to its close, whatever it is connected to. */
#include "connectd/socket/web_socket.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct web_socket_kind *const kinds[SOCKET_KINDS] = { &terminal_kind, &tunnel_kind,
								   &console_kind };

bool web_sockets_start(struct web_sockets *all, const struct service *service,
		       struct lws_context *context)
{
	*all = (struct web_sockets){ .service = service,
				     .context = context,
				     .watcher.epoll = -1,
				     .children.watcher = &all->watcher,
				     .children.signals.fd = -1 };
	return watcher_start(&all->watcher, context) &&
	       children_start(&all->children, &all->watcher);
}

void web_sockets_stop(struct web_sockets *all)
{
	children_stop(&all->children);
	watcher_stop(&all->watcher);
}

/* False when it is too long. */
static bool copy_header(struct lws *wsi, enum lws_token_indexes token, char out[HEADER_VALUE_SIZE])
{
	out[0] = '\0';
	return lws_hdr_total_length(wsi, token) < HEADER_VALUE_SIZE &&
	       lws_hdr_copy(wsi, out, HEADER_VALUE_SIZE, token) >= 0;
}

bool web_socket_admit(struct web_sockets *all, struct lws *wsi, const struct http_request *request,
		      struct http_response *response)
{
	struct upgrade upgrade = {
		.request = request,
		.has_authorization = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_AUTHORIZATION) > 0,
		.is_tls = all->service->config->compute_certificate[0] != '\0'
	};
	struct web_socket *socket = calloc(1, sizeof *socket);

	if (socket == NULL) {
		respond_error(response, 503, "compute.unavailable", "no memory", NULL);
		return false;
	}
	upgrade.has_long_header = !copy_header(wsi, WSI_TOKEN_ORIGIN, upgrade.origin) ||
				  !copy_header(wsi, WSI_TOKEN_HOST, upgrade.host) ||
				  !copy_header(wsi, WSI_TOKEN_PROTOCOL, upgrade.subprotocols);
	if (!admit(all->service, &upgrade, &socket->admission, response)) {
		free(socket);
		return false;
	}
	socket->all = all;
	socket->wsi = wsi;
	socket->kind = kinds[socket->admission.kind];
	relay_begin(&socket->relay, &all->watcher, wsi);
	lws_set_opaque_user_data(wsi, socket);
	return true;
}

void web_socket_end(struct web_socket *socket, unsigned int code, const char *reason, ...)
{
	va_list values;

	if (socket->close_code != 0)
		return;
	socket->close_code = code;
	va_start(values, reason);
	vsnprintf(socket->reason, sizeof socket->reason, reason, values);
	va_end(values);
	/* A close frame is UTF-8, and part of this may be a program's. */
	for (char *letter = socket->reason; *letter != '\0'; letter++)
		if (*letter < 0x20 || *letter > 0x7e)
			*letter = '?';
	timer_cancel(socket->all->context, &socket->timer);
	lws_set_timeout(socket->wsi, PENDING_TIMEOUT_USER_REASON_BASE, WEB_SOCKET_END_SECONDS);
	lws_callback_on_writable(socket->wsi);
}

/* How long until `seconds` after `since` */
static lws_usec_t time_left(lws_usec_t now, lws_usec_t since, unsigned int seconds)
{
	return since + (lws_usec_t)seconds * LWS_US_PER_SEC - now;
}

static void check_limits(lws_sorted_usec_list_t *timer)
{
	struct web_socket *socket = lws_container_of(timer, struct web_socket, timer);
	const struct connectd_config *config = socket->all->service->config;
	lws_usec_t now = lws_now_usecs();
	lws_usec_t left = time_left(now, socket->opened, config->terminal_max), idle_left;

	if (left <= 0) {
		web_socket_end(socket, LWS_CLOSE_STATUS_POLICY_VIOLATION,
			       "open for %u seconds, which is the limit", config->terminal_max);
		return;
	}
	if (socket->kind->has_idle_limit) {
		idle_left = time_left(now, socket->moved, config->terminal_idle);
		if (idle_left <= 0) {
			web_socket_end(socket, LWS_CLOSE_STATUS_POLICY_VIOLATION,
				       "idle for %u seconds, which is the limit",
				       config->terminal_idle);
			return;
		}
		left = idle_left < left ? idle_left : left;
	}
	lws_sul_schedule(socket->all->context, 0, timer, check_limits, left);
}

static int web_socket_begin(struct web_socket *socket)
{
	socket->opened = socket->moved = lws_now_usecs();
	check_limits(&socket->timer);
	socket->kind->start(socket);
	return 0;
}

static int web_socket_take(struct web_socket *socket, const void *bytes, size_t length)
{
	const struct piece piece = {
		.bytes = bytes,
		.length = length,
		.is_text = !lws_frame_is_binary(socket->wsi),
		.is_first = lws_is_first_fragment(socket->wsi) != 0,
		.is_last = lws_is_final_fragment(socket->wsi) != 0,
	};

	if (socket->close_code != 0)
		return 0;
	if (piece.is_first)
		socket->message_length = 0;
	socket->message_length += length;
	if (socket->message_length > WEB_SOCKET_MESSAGE_MAX) {
		web_socket_end(socket, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE,
			       "a message has at most %d bytes", WEB_SOCKET_MESSAGE_MAX);
		return 0;
	}
	if (length > 0)
		socket->moved = lws_now_usecs();
	socket->kind->take(socket, &piece);
	if (socket->relay.is_overrun)
		web_socket_end(socket, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "no memory");
	return 0;
}

static int send_close(struct web_socket *socket)
{
	lws_close_reason(socket->wsi, (enum lws_close_status)socket->close_code,
			 (unsigned char *)socket->reason, strlen(socket->reason));
	return -1;
}

/* One message each time; the next one when libwebsockets has sent all of this one. */
static int on_writable(struct web_socket *socket)
{
	unsigned char buffer[LWS_PRE + WEB_SOCKET_HEAD + WEB_SOCKET_CHUNK];
	struct message message = { .bytes = buffer + LWS_PRE };
	int written;

	if (socket->close_code != 0)
		return send_close(socket);
	socket->kind->fill(socket, &message);
	if (message.length > 0) {
		written = lws_write(socket->wsi, message.bytes, message.length,
				    message.is_text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY);
		if (written < 0)
			return -1;
		socket->moved = lws_now_usecs();
		lws_callback_on_writable(socket->wsi);
	} else if (socket->close_code != 0) {
		return send_close(socket);
	}
	return 0;
}

static void web_socket_finish(struct web_socket *socket)
{
	char why[WEB_SOCKET_REASON_SIZE + 96];

	timer_cancel(socket->all->context, &socket->timer);
	lws_set_opaque_user_data(socket->wsi, NULL);
	socket->kind->stop(socket);
	relay_end(&socket->relay);
	snprintf(why, sizeof why, "%s; %" PRIu64 " bytes in, %" PRIu64 " out",
		 socket->reason[0] == '\0' ? "the client has gone" : socket->reason,
		 socket->relay.from_client, socket->relay.to_client);
	admission_end(socket->all->service, &socket->admission, why);
	free(socket);
}

bool web_socket_event(struct lws *wsi, enum lws_callback_reasons reason, const void *bytes,
		      size_t length, int *result)
{
	struct web_socket *socket = lws_get_opaque_user_data(wsi);

	*result = 0;
	switch (reason) {
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		/* A socket that was not admitted does not exist, however it got here. */
		*result = socket == NULL ? -1 : 0;
		return true;
	case LWS_CALLBACK_ESTABLISHED:
		*result = socket == NULL ? -1 : web_socket_begin(socket);
		return true;
	case LWS_CALLBACK_RECEIVE:
		*result = socket == NULL ? -1 : web_socket_take(socket, bytes, length);
		return true;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		*result = socket == NULL ? -1 : on_writable(socket);
		return true;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		if (socket != NULL && socket->close_code == 0)
			snprintf(socket->reason, sizeof socket->reason, "by the client");
		return true;
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_WSI_DESTROY:
		if (socket != NULL)
			web_socket_finish(socket);
		return socket != NULL;
	default:
		return false;
	}
}

void web_socket_fill_bytes(struct web_socket *socket, struct message *message, const char *end)
{
	ssize_t length = relay_read(&socket->relay, message->bytes, WEB_SOCKET_CHUNK);

	if (length > 0)
		message->length = (size_t)length;
	else if (length < 0)
		web_socket_end(socket, LWS_CLOSE_STATUS_NORMAL, "%s", end);
}
