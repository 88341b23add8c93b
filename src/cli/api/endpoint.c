/* SPDX-License-Identifier: Apache-2.0 */
/* The address of the control plane's API: https, or http to this machine itself. */
#include "cli/api/endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/network.h"
#include "cli/terminal/options.h"
#include "base/number.h"

#define PORT_HTTP 80
#define PORT_HTTPS 443
#define PORT_MAX 65535
/* Characters of an address. It has no user or password before the host, no query, no fragment. */
#define URL_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]"

/* Put an IPv6 address into its standard form (RFC 5952), in place. */
static bool normalise_six(char host[ENDPOINT_HOST_SIZE])
{
	struct in6_addr six;

	return inet_pton(AF_INET6, host, &six) == 1 &&
	       inet_ntop(AF_INET6, &six, host, ENDPOINT_HOST_SIZE) != NULL;
}

/* HOST or [IPv6]. Returns what comes after it, or NULL. */
static const char *read_host(const char *at, char host[ENDPOINT_HOST_SIZE])
{
	bool brackets = *at == '[';
	size_t length;

	at += brackets;
	length = strcspn(at, brackets ? "]" : ":/[]");
	if (length == 0 || length >= ENDPOINT_HOST_SIZE || (brackets && at[length] != ']'))
		return NULL;
	for (size_t i = 0; i < length; i++)
		host[i] = (char)tolower((unsigned char)at[i]);
	host[length] = '\0';
	return brackets && !normalise_six(host) ? NULL : at + length + brackets;
}

/* :PORT, or nothing. Returns what comes after it, or NULL. */
static const char *read_port(const char *at, unsigned int *port)
{
	char digits[6];
	size_t length;

	if (*at != ':')
		return *at == '\0' || *at == '/' ? at : NULL;
	length = strcspn(++at, "/");
	if (length >= sizeof digits)
		return NULL;
	memcpy(digits, at, length);
	digits[length] = '\0';
	return number_parse(digits, 1, PORT_MAX, port) ? at + length : NULL;
}

static unsigned int usual_port(bool tls)
{
	return tls ? PORT_HTTPS : PORT_HTTP;
}

/* Set endpoint->url from the other fields and `path`. False when it is too long. */
static bool write_url(struct endpoint *endpoint, const char *path)
{
	bool six = strchr(endpoint->host, ':') != NULL;
	char port[8] = "";
	int length;

	if (endpoint->port != usual_port(endpoint->tls))
		snprintf(port, sizeof port, ":%u", endpoint->port);
	length = snprintf(endpoint->url, sizeof endpoint->url, "http%s://%s%s%s%s%s",
			  endpoint->tls ? "s" : "", six ? "[" : "", endpoint->host, six ? "]" : "",
			  port, path);
	if (length < 0 || (size_t)length >= sizeof endpoint->url)
		return false;
	endpoint->prefix = endpoint->url + length - strlen(path);
	return true;
}

static bool read_url(struct endpoint *endpoint, const char *at)
{
	if (strspn(at, URL_CHARACTERS) != strlen(at))
		return false;
	endpoint->tls = strncasecmp(at, "https://", 8) == 0;
	if (!endpoint->tls && strncasecmp(at, "http://", 7) != 0)
		return false;
	endpoint->port = usual_port(endpoint->tls);
	at = read_host(at + (endpoint->tls ? 8 : 7), endpoint->host);
	if (at != NULL)
		at = read_port(at, &endpoint->port);
	return at != NULL && write_url(endpoint, at);
}

bool endpoint_parse(const char *text, struct endpoint *endpoint, char *why, size_t size)
{
	char trimmed[ENDPOINT_SIZE] = "";
	size_t length = strlen(text);

	memset(endpoint, 0, sizeof *endpoint);
	while (length > 0 && text[length - 1] == '/')
		length--;
	if (length < sizeof trimmed)
		memcpy(trimmed, text, length);
	if (!read_url(endpoint, trimmed)) {
		snprintf(why, size, "the endpoint \"%.100s\" is not https://HOST[:PORT]", text);
		return false;
	}
	endpoint->loopback =
		strcasecmp(endpoint->host, "localhost") == 0 || network_is_loopback(endpoint->host);
	if (!endpoint->tls && !endpoint->loopback) {
		snprintf(why, size,
			 "%.200s would send your token in the clear: plain http is for this "
			 "machine itself only; use https",
			 endpoint->url);
		return false;
	}
	return true;
}

bool endpoint_equal(const struct endpoint *one, const struct endpoint *other)
{
	return strcmp(one->url, other->url) == 0;
}
