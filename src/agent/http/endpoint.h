/* SPDX-License-Identifier: Apache-2.0 */
/* Where metadata_url says that the endpoint is. */
#ifndef EXC_ENDPOINT_H
#define EXC_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/config/config.h"

struct endpoint {
	char host[CONFIG_VALUE_SIZE]; /* without the brackets of an IPv6 address */
	char authority[CONFIG_VALUE_SIZE + sizeof ":65535"]; /* of a request's Host header */
	char path[CONFIG_VALUE_SIZE]; /* that comes before every request's, or empty */
	uint16_t port;
	bool https;
	bool named; /* the host is no address: somebody has to be asked about it */
};

/* Is this a URL over TLS? Of one that config.c has taken. */
bool endpoint_is_https(const char *url);

/* Take a URL apart that config.c has taken (RFC 3986 section 3). False when it has no host, or what
 * stands in its place cannot be one, or there is no memory. */
bool endpoint_from_url(const char *url, struct endpoint *endpoint);

#endif
