/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS of a connection to the endpoint: OpenSSL under libevent, verified as HTTPS has to be. */
#ifndef EXC_HTTP_TLS_H
#define EXC_HTTP_TLS_H

#include <event2/bufferevent.h>

#include "agent/http/endpoint.h"

/* A bufferevent that is to be connected to `endpoint`. The server's certificate has to be for its
 * host, by an authority of the system (RFC 2818 section 3.1).
 * It is the caller's, to bufferevent_free(). NULL when there is no memory. */
struct bufferevent *http_tls_new(struct event_base *base, const struct endpoint *endpoint);

/* What is wrong with the certificate that the server showed; NULL when that is not the matter, or
 * there is no TLS. The text is static. */
const char *http_tls_complaint(struct bufferevent *connection);

#endif
