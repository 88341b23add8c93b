/* SPDX-License-Identifier: Apache-2.0 */
/* The address of the control plane's API: https, or http to this machine itself. */
#ifndef EXC_ENDPOINT_H
#define EXC_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#define ENDPOINT_DEFAULT "https://compute.excloud.in"
#define ENDPOINT_SIZE 512
#define ENDPOINT_HOST_SIZE 256

struct endpoint {
	char url[ENDPOINT_SIZE]; /* without a slash at its end */
	char host[ENDPOINT_HOST_SIZE]; /* an IPv6 address without its brackets */
	unsigned int port;
	const char *prefix; /* into url: the path, without a slash at its end; often empty */
	bool tls;
	bool loopback; /* 127.0.0.0/8, ::1 or localhost */
};

/* Read http[s]://HOST[:PORT][/PREFIX]. A token must not cross a network in the clear, so that http
 * is for loopback only. False with `why`, of `size` bytes. */
bool endpoint_parse(const char *text, struct endpoint *endpoint, char *why, size_t size);

#endif
