/* SPDX-License-Identifier: Apache-2.0 */
/* Where the endpoint is: what its URL names, and its addresses. */
#ifndef EXC_FETCH_ENDPOINT_H
#define EXC_FETCH_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/sandbox.h"

/* Bytes of a host name (RFC 1035 section 3.1) or an address, with the NUL */
#define ENDPOINT_HOST_SIZE 256
/* Addresses of one name that are tried */
#define ENDPOINT_ADDRESSES_MAX 8
/* "host:port:[address],…", as CURLOPT_RESOLVE(3) has it */
#define ENDPOINT_RESOLVED_SIZE (ENDPOINT_HOST_SIZE + 8 + ENDPOINT_ADDRESSES_MAX * 50)

struct endpoint {
	char host[ENDPOINT_HOST_SIZE]; /* without the brackets of an IPv6 address */
	uint16_t port;
	bool https;
	bool named; /* the host is a name, which has to be looked up */
};

/* Split http[s]://HOST[:PORT][/PATH] (RFC 3986 section 3). False if it is anything else. */
bool endpoint_from_url(const char *url, struct endpoint *endpoint);

/* Look up the addresses of a named host, as nsswitch.conf(5) says: this may load code, read any
 * file and ask any server. NULL, or why there are none: a constant. */
const char *endpoint_resolve(const struct endpoint *endpoint,
			     char resolved[ENDPOINT_RESOLVED_SIZE]);

/* What the program that asks this endpoint needs, once the host is looked up. */
struct sandbox endpoint_walls(const struct endpoint *endpoint);

#endif
