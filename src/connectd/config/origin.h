/* SPDX-License-Identifier: Apache-2.0 */
/* Which web pages may open a WebSocket (RFC 6454, RFC 6455 section 10.2). */
#ifndef EXC_CONNECTD_CONFIG_ORIGIN_H
#define EXC_CONNECTD_CONFIG_ORIGIN_H

#include <stdbool.h>

/* Is this a list, separated by spaces, of origins as browsers write them: a scheme http or https, a
 * host and perhaps a port, without a path? The list may be empty. */
bool origins_are_valid(const char *list);

/* May a page of this origin open a socket? A client that sends none is not a browser and may; a
 * page may if its origin is in `list`, or is this server's own: `host` is the request's Host
 * header. With `is_tls`, only pages that came over TLS count as the server's own. */
bool origin_is_allowed(const char *origin, const char *list, const char *host, bool is_tls);

#endif
