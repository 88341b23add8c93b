/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request and its answer, through libwebsockets' callbacks. */
#ifndef EXC_CONNECTD_HTTP_HTTP_EXCHANGE_H
#define EXC_CONNECTD_HTTP_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libwebsockets.h>

#include "connectd/api/service.h"
#include "connectd/socket/web_socket.h"

/* Answer one request. */
typedef void exchange_handler(const struct service *service, const struct http_request *request,
			      struct http_response *response);

/* One listener: how it answers, how much body it accepts. */
struct listener {
	const struct service *service;
	exchange_handler *handle;
	size_t body_max;
	uint64_t *answers; /* counted by class of status */
	struct web_sockets *sockets; /* NULL: none */
};

/* One request in progress, and its answer; libwebsockets clears it when a connection begins. */
struct exchange {
	struct http_request request;
	char *body;
	size_t body_length;
	bool too_large;
	bool answered; /* libwebsockets reports the end of a body even without one */
	char *answer; /* LWS_PRE bytes and the body */
	size_t answer_length;
};

/* The callback of every protocol of a listener, whose `user` is the listener, and the session a
 * struct exchange; WebSocket events go on to web_socket.c. Non-zero closes the connection. */
int exchange_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *bytes,
		   size_t length);

#endif
