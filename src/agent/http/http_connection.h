/* SPDX-License-Identifier: Apache-2.0 */
/* The connection of http.c: its deadline, its server's name, and what comes over it. */
#ifndef EXC_AGENT_HTTP_HTTP_CONNECTION_H
#define EXC_AGENT_HTTP_HTTP_CONNECTION_H

#include <stdbool.h>

#include "agent/http/http.h"

/* From now on libevent ends this process when out of memory. Call before anything else of it. */
void http_use_memory(void);

/* Start libevent and the deadline of all requests together. http->endpoint is set. False if there
 * is no memory; http_close() cleans up. */
bool http_prepare(struct http *http, unsigned int timeout_ms);

/* Prepare to connect, which libevent does at the first request. False if there is no memory. */
bool http_connect(struct http *http);

/* Close the connection, if there is one. */
void http_disconnect(struct http *http);

/* Has more come than http->heard_max, the limit of one answer? */
bool http_is_flooded(const struct http *http);

#endif
