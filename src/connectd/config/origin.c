/* SPDX-License-Identifier: Apache-2.0 */
/* Which web pages may open a WebSocket (RFC 6454, RFC 6455 section 10.2). */
#include "connectd/config/origin.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define HTTP "http://"
#define HTTPS "https://"

/* Where the host begins; NULL when the text begins with neither scheme. */
static const char *skip_scheme(const char *origin)
{
	if (strncasecmp(origin, HTTPS, strlen(HTTPS)) == 0)
		return origin + strlen(HTTPS);
	if (strncasecmp(origin, HTTP, strlen(HTTP)) == 0)
		return origin + strlen(HTTP);
	return NULL;
}

bool origins_are_valid(const char *list)
{
	/* Bounded by the length of the list: each turn takes one entry. */
	for (list += strspn(list, " "); *list != '\0'; list += strspn(list, " ")) {
		size_t length = strcspn(list, " ");
		const char *host = skip_scheme(list);

		if (host == NULL || host >= list + length ||
		    memchr(host, '/', (size_t)(list + length - host)) != NULL)
			return false;
		list += length;
	}
	return true;
}

static bool is_in_list(const char *origin, const char *list)
{
	for (list += strspn(list, " "); *list != '\0'; list += strspn(list, " ")) {
		size_t length = strcspn(list, " ");

		if (strlen(origin) == length && strncasecmp(origin, list, length) == 0)
			return true;
		list += length;
	}
	return false;
}

bool origin_is_allowed(const char *origin, const char *list, const char *host, bool is_tls)
{
	const char *own = skip_scheme(origin);

	if (origin[0] == '\0' || is_in_list(origin, list))
		return true;
	if (own == NULL || host[0] == '\0' || strcasecmp(own, host) != 0)
		return false;
	return !is_tls || strncasecmp(origin, HTTPS, strlen(HTTPS)) == 0;
}
