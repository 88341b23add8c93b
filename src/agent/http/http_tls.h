/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS of a connection to the endpoint: OpenSSL under libevent, verified as HTTPS requires. */
#ifndef EXC_AGENT_HTTP_HTTP_TLS_H
#define EXC_AGENT_HTTP_HTTP_TLS_H

#include <event2/bufferevent.h>

#include "agent/http/endpoint.h"

/* A bufferevent to connect to `endpoint`. The server's certificate must be for its host, from a CA
 * that the system trusts (RFC 2818 section 3.1). The caller calls bufferevent_free(). NULL if there
 * is no memory. */
struct bufferevent *http_tls_new(struct event_base *base, const struct endpoint *endpoint);

/* What is wrong with the server's certificate; NULL if nothing is, or there is no TLS. The text is
 * static. */
const char *http_tls_complaint(struct bufferevent *connection);

#endif
