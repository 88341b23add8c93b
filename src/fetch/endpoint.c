/* SPDX-License-Identifier: Apache-2.0 */
/* Where the endpoint is: what its URL names, and its addresses. */
#include "fetch/endpoint.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/network.h"

/* Of names and addresses; names have an underscore in some networks. */
#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:"

typedef struct addrinfo addrinfo;
DEFINE_CLEANUP(addrinfo, freeaddrinfo);

/* The port after a host: ":PORT", or nothing. False if it is neither. */
static bool read_port(const char *text, size_t length, struct endpoint *endpoint)
{
	char digits[6] = "";
	unsigned long port;

	endpoint->port = endpoint->https ? 443 : 80;
	if (length == 0)
		return true;
	if (text[0] != ':' || length < 2 || length > sizeof digits)
		return false;
	memcpy(digits, text + 1, length - 1);
	port = strtoul(digits, NULL, 10);
	if (strspn(digits, "0123456789") != length - 1 || port == 0 || port > UINT16_MAX)
		return false;
	endpoint->port = (uint16_t)port;
	return true;
}

bool endpoint_from_url(const char *url, struct endpoint *endpoint)
{
	const size_t scheme = strncmp(url, "https://", 8) == 0  ? 8
			      : strncmp(url, "http://", 7) == 0 ? 7
								: 0;
	const char *host = url + scheme;
	const bool bracketed = host[0] == '[';
	const size_t authority = strcspn(host, "/");
	struct network address;
	size_t length;

	memset(endpoint, 0, sizeof *endpoint);
	endpoint->https = scheme == 8;
	host += bracketed;
	length = strcspn(host, bracketed ? "]" : ":/");
	if (scheme == 0 || length == 0 || length >= sizeof endpoint->host ||
	    length + 2 * bracketed > authority)
		return false;
	memcpy(endpoint->host, host, length);
	if (strspn(endpoint->host, HOST_CHARACTERS) != length)
		return false;
	host += length + bracketed;
	endpoint->named = !network_parse(endpoint->host, &address);
	return read_port(host, (size_t)(url + scheme + authority - host), endpoint) &&
	       !(bracketed && endpoint->named);
}

const char *endpoint_resolve(const struct endpoint *endpoint, char resolved[ENDPOINT_RESOLVED_SIZE])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	_cleanup_(cleanup_freeaddrinfo) addrinfo *found = NULL;
	const int failed = getaddrinfo(endpoint->host, NULL, &hints, &found);
	char address[INET6_ADDRSTRLEN];
	unsigned int count = 0;
	bool bracketed;
	size_t length;

	if (failed != 0)
		return gai_strerror(failed);
	length = (size_t)snprintf(resolved, ENDPOINT_RESOLVED_SIZE, "%s:%u:", endpoint->host,
				  endpoint->port);
	for (const addrinfo *at = found; at != NULL && count < ENDPOINT_ADDRESSES_MAX;
	     at = at->ai_next) {
		if (getnameinfo(at->ai_addr, at->ai_addrlen, address, sizeof address, NULL, 0,
				NI_NUMERICHOST) != 0)
			continue;
		bracketed = at->ai_family == AF_INET6;
		length += (size_t)snprintf(resolved + length, ENDPOINT_RESOLVED_SIZE - length,
					   "%s%s%s%s", count == 0 ? "" : ",", bracketed ? "[" : "",
					   address, bracketed ? "]" : "");
		count++;
	}
	return count == 0 ? "it has no address" : NULL;
}

static const char *const no_files[] = { NULL };
static const char *const certificates[] = { SANDBOX_CERTIFICATES, NULL };

struct sandbox endpoint_walls(const struct endpoint *endpoint)
{
	return (struct sandbox){ .readable = endpoint->https ? certificates : no_files,
				 .port = endpoint->port };
}
