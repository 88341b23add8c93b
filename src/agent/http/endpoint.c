/* SPDX-License-Identifier: Apache-2.0 */
/* Where the endpoint is, according to metadata_url. */
#include "agent/http/endpoint.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/http.h>
#include <event2/util.h>

#include "base/cleanup.h"

typedef struct evhttp_uri evhttp_uri;
DEFINE_CLEANUP(evhttp_uri, evhttp_uri_free);

static bool is_address(const char *host)
{
	struct sockaddr_storage address;
	int size = sizeof address;

	return strchr(host, ':') != NULL ||
	       evutil_parse_sockaddr_port(host, (struct sockaddr *)&address, &size) == 0;
}

bool endpoint_is_https(const char *url)
{
	return strncmp(url, "https:", 6) == 0;
}

bool endpoint_from_url(const char *url, struct endpoint *endpoint)
{
	_cleanup_(cleanup_evhttp_uri_free) evhttp_uri *uri = evhttp_uri_parse(url);
	const char *host = uri == NULL ? NULL : evhttp_uri_get_host(uri);
	int port;

	memset(endpoint, 0, sizeof *endpoint);
	if (host == NULL || host[0] == '\0')
		return false;
	snprintf(endpoint->host, sizeof endpoint->host, "%s", host[0] == '[' ? host + 1 : host);
	if (host[0] == '[')
		endpoint->host[strcspn(endpoint->host, "]")] = '\0';
	port = evhttp_uri_get_port(uri);
	snprintf(endpoint->authority, sizeof endpoint->authority, port > 0 ? "%s:%d" : "%s", host,
		 port);
	snprintf(endpoint->path, sizeof endpoint->path, "%s", evhttp_uri_get_path(uri));
	endpoint->https = endpoint_is_https(url);
	endpoint->named = !is_address(endpoint->host);
	endpoint->port = port > 0 ? (uint16_t)port : endpoint->https ? 443 : 80;
	return true;
}
