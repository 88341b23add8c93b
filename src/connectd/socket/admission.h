/* SPDX-License-Identifier: Apache-2.0 */
/* May this request become a WebSocket, and what is it connected to? */
#ifndef EXC_CONNECTD_SOCKET_ADMISSION_H
#define EXC_CONNECTD_SOCKET_ADMISSION_H

#include <stdbool.h>

#include "connectd/api/api_call.h"
#include "connectd/store/connect_session.h"

/* The subprotocol in which a terminal's frames have a type byte */
#define TERMINAL_SUBPROTOCOL "exc.terminal.v1"

/* A request with Upgrade: websocket, and its additional headers */
struct upgrade {
	const struct http_request *request;
	bool has_authorization; /* even if too long to read */
	bool is_tls;
	char origin[HEADER_VALUE_SIZE]; /* empty when absent */
	char host[HEADER_VALUE_SIZE];
	char subprotocols[HEADER_VALUE_SIZE]; /* separated by commas; empty when absent */
	bool has_long_header; /* one of these is over HEADER_VALUE_SIZE */
};

/* An admitted socket. It holds a seat and, for tunnel and terminal, a session. */
struct admission {
	enum socket_kind kind;
	struct seat *seat;
	struct iam_caller caller;
	struct iam_decision decision;
	struct instance instance;
	char user[GRANT_USER_SIZE]; /* empty for a console, as the next two are */
	char jti[RANDOM_NAME_SIZE];
	char fingerprint[FINGERPRINT_SIZE];
	char private_key[KEYPAIR_PRIVATE_SIZE]; /* a terminal's; overwrite it soon */
	int console; /* a console's open descriptor, which admission_end() closes unless it is -1 */
	char source[64];
	char request_id[REQUEST_ID_SIZE];
};

/* Decide, and note in the trail that the socket is open. False with the refusal in `response`; on
 * true, call admission_end() when the socket is closed. */
bool admit(const struct service *service, const struct upgrade *upgrade,
	   struct admission *admission, struct http_response *response);

/* Note in the trail that the socket is closed and why, and release everything. */
void admission_end(const struct service *service, struct admission *admission, const char *why);

#endif
