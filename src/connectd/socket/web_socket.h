/* SPDX-License-Identifier: Apache-2.0 */
/* A WebSocket (RFC 6455), from the request for it to its close, whatever it is connected to. */
#ifndef EXC_CONNECTD_SOCKET_WEB_SOCKET_H
#define EXC_CONNECTD_SOCKET_WEB_SOCKET_H

#include "connectd/socket/admission.h"
#include "connectd/loop/children.h"
#include "connectd/loop/relay.h"

/* Bytes of one sent message, and room in front of them for a type byte or a split character */
#define WEB_SOCKET_CHUNK (32 * 1024)
#define WEB_SOCKET_HEAD 4
/* Bytes of one received message, and of its pieces as libwebsockets passes them */
#define WEB_SOCKET_MESSAGE_MAX (1024 * 1024)
#define WEB_SOCKET_PIECE_MAX (32 * 1024)
/* Seconds of silence after which the client is pinged, and dropped */
#define WEB_SOCKET_PING_SECONDS 30
#define WEB_SOCKET_DEAD_SECONDS 300
/* Seconds that a slow client has to read the last data */
#define WEB_SOCKET_END_SECONDS 30
/* Bytes of a close frame's reason (RFC 6455 section 5.5), and a NUL */
#define WEB_SOCKET_REASON_SIZE 124

/* What all of them share */
struct web_sockets {
	const struct service *service;
	struct lws_context *context;
	struct watcher watcher;
	struct children children;
};

/* One message to be sent; `bytes` has room for WEB_SOCKET_HEAD + WEB_SOCKET_CHUNK. */
struct message {
	unsigned char *bytes;
	size_t length; /* 0: nothing to send now */
	bool is_text;
};

/* A piece of a received message */
struct piece {
	const unsigned char *bytes;
	size_t length;
	bool is_text, is_first, is_last;
};

struct web_socket;

/* What a kind of socket does; each may call web_socket_end(). */
struct web_socket_kind {
	bool has_idle_limit;
	void (*start)(struct web_socket *socket);
	void (*take)(struct web_socket *socket, const struct piece *piece);
	void (*fill)(struct web_socket *socket, struct message *message);
	void (*stop)(struct web_socket *socket); /* even if start has not been called */
};

extern const struct web_socket_kind terminal_kind, tunnel_kind, console_kind;

struct web_socket {
	lws_sorted_usec_list_t timer; /* idle and absolute limit */
	struct lws *wsi;
	struct web_sockets *all;
	const struct web_socket_kind *kind;
	struct admission admission;
	struct relay relay;
	void *own; /* what the kind allocates in start and frees in stop */
	lws_usec_t opened, moved; /* when opened, and when a byte last went either way */
	size_t message_length; /* received so far */
	unsigned int close_code; /* 0: not closing */
	char reason[WEB_SOCKET_REASON_SIZE]; /* why it is closed */
};

/* Begin; before either, SIGCHLD is blocked. False after a message on stderr. web_sockets_stop()
 * comes after lws_context_destroy(). */
bool web_sockets_start(struct web_sockets *all, const struct service *service,
		       struct lws_context *context);
void web_sockets_stop(struct web_sockets *all);

/* LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: false with the refusal in `response`, which the caller sends.
 */
bool web_socket_admit(struct web_sockets *all, struct lws *wsi, const struct http_request *request,
		      struct http_response *response);

/* Every other event of an HTTP connection. False: not a WebSocket's; otherwise *result is for
 * libwebsockets. */
bool web_socket_event(struct lws *wsi, enum lws_callback_reasons reason, const void *bytes,
		      size_t length, int *result);

/* Close it, with this code (RFC 6455 section 7.4.1) and reason, once what was given to
 * libwebsockets is sent. The first call counts. */
void web_socket_end(struct web_socket *socket, unsigned int code, const char *reason, ...)
	__attribute__((format(printf, 3, 4)));

/* fill() of a kind whose frames are the descriptor's bytes */
void web_socket_fill_bytes(struct web_socket *socket, struct message *message, const char *end);

#endif
