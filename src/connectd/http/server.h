/* SPDX-License-Identifier: Apache-2.0 */
/* Listen for the compute API and the metadata endpoint, and serve both with libwebsockets. */
#ifndef EXC_CONNECTD_HTTP_SERVER_H
#define EXC_CONNECTD_HTTP_SERVER_H

#include "connectd/api/service.h"

/* Seconds that a client may take for its request, and stay connected between two */
#define SERVER_REQUEST_SECONDS 10
#define SERVER_KEEPALIVE_SECONDS 5
/* Open connections, both listeners together */
#define SERVER_CONNECTIONS_MAX 1024
/* Open files besides: the database's and the logs', and those of one WebSocket: a terminal has its
 * pseudo-terminal, ssh's log, the key and the host keys, and for a moment the other ends */
#define SERVER_FILES 64
#define SERVER_FILES_PER_SOCKET 8
/* Bytes of one request's headers */
#define SERVER_HEADER_BYTES_MAX 8192

/* Serve until SIGTERM or SIGINT. Prints one line on stdout when both listeners are ready, and
 * notifies systemd. Returns the program's exit status; prints on stderr why it could not start. */
int server_run(const struct service *service);

#endif
