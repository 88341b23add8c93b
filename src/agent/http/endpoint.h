/* SPDX-License-Identifier: Apache-2.0 */
/* Where the endpoint is, according to metadata_url. */
#ifndef EXC_AGENT_HTTP_ENDPOINT_H
#define EXC_AGENT_HTTP_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/config/config.h"

struct endpoint {
	char host[CONFIG_VALUE_SIZE]; /* without the brackets of an IPv6 address */
	char authority[CONFIG_VALUE_SIZE + sizeof ":65535"]; /* for the Host header */
	char path[CONFIG_VALUE_SIZE]; /* put before every request's path, or empty */
	uint16_t port;
	bool https;
	bool named; /* the host is a name, which has to be looked up */
};

/* Is this URL, which config.c accepted, over TLS? */
bool endpoint_is_https(const char *url);

/* Split a URL that config.c accepted (RFC 3986 section 3). False if it has no host or an invalid
 * one, or if there is no memory. */
bool endpoint_from_url(const char *url, struct endpoint *endpoint);

#endif
