/* SPDX-License-Identifier: Apache-2.0 */
/* The connection of http.c: its deadline, its server's name, and what comes over it. */
#ifndef EXC_HTTP_CONNECTION_H
#define EXC_HTTP_CONNECTION_H

#include <stdbool.h>

#include "agent/http/http.h"

/* From now on libevent ends this process rather than do without memory. Before anything else of it.
 */
void http_use_memory(void);

/* Start libevent and the deadline of all requests together. http->endpoint is set. False when
 * there is no memory; http_close() frees what there is. */
bool http_prepare(struct http *http, unsigned int timeout_ms);

/* Make ready to connect, which libevent does for the first request. False when there is no memory.
 */
bool http_connect(struct http *http);

/* Close the connection, if there is one. */
void http_disconnect(struct http *http);

/* Has more come than http->heard_max, which is as much as an answer may have? */
bool http_is_flooded(const struct http *http);

#endif
