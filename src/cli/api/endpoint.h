/* SPDX-License-Identifier: Apache-2.0 */
/* The address of the control plane's API: https, or http to this machine itself. */
#ifndef EXC_CLI_API_ENDPOINT_H
#define EXC_CLI_API_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#define ENDPOINT_DEFAULT "https://compute.excloud.in"
#define ENDPOINT_SIZE 512
#define ENDPOINT_HOST_SIZE 256

struct endpoint {
	/* Canonical: scheme and host in lower case, an IPv6 address in its standard form, a port
	 * only if it is not the scheme's, without a slash at its end */
	char url[ENDPOINT_SIZE];
	char host[ENDPOINT_HOST_SIZE]; /* in the same form; an IPv6 address without its brackets */
	unsigned int port;
	const char *prefix; /* points into url: the path, without a slash at its end; often empty */
	bool tls;
	bool loopback; /* 127.0.0.0/8, ::1 or localhost */
};

/* Read http[s]://HOST[:PORT][/PREFIX]. A token must not cross a network in the clear, so http is
 * for loopback only. False with `why`, of `size` bytes. */
bool endpoint_parse(const char *text, struct endpoint *endpoint, char *why, size_t size);

/* Are these, from endpoint_parse(), the same endpoint? Names are not resolved: two names of one
 * machine are two endpoints. */
bool endpoint_equal(const struct endpoint *one, const struct endpoint *other);

#endif
