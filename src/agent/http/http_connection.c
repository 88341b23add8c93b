/* SPDX-License-Identifier: Apache-2.0 */
/* The connection of http.c: its deadline, its server's name, and what comes over it. */
#include "agent/http/http_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/http.h>

#include "agent/http/http_tls.h"
#include "base/cleanup.h"

#define RESOLV_CONF "/etc/resolv.conf"
/* libevent's own limit of one request; the deadline of all of them comes first. */
#define REQUEST_SECONDS_MAX 3600

typedef struct event_config event_config;
DEFINE_CLEANUP(event_config, event_config_free);

/* libevent 2.1 follows pointers that it failed to allocate (in evhttp_request_new() for one): a run
 * without memory ends here instead, and sshd gets no key from it. */
static void *allocate_or_end(void *old, size_t size)
{
	void *memory = realloc(old, size);

	if (memory != NULL || size == 0)
		return memory;
	fputs("exc-instance-connect: not enough memory to ask the endpoint\n", stderr);
	_exit(EXIT_FAILURE);
}

static void *allocate(size_t size)
{
	return allocate_or_end(NULL, size);
}

void http_use_memory(void)
{
	event_set_mem_functions(allocate, allocate_or_end, free);
}

static void be_late(evutil_socket_t fd, short events, void *context)
{
	struct http *http = context;

	http->late = true;
	event_base_loopbreak(http->base);
}

/* Names are looked up as resolv.conf(5) and hosts(5) say, and never without a deadline, as
 * getaddrinfo(3) would. */
static bool prepare_names(struct http *http)
{
	if (!http->endpoint.named)
		return true;
	http->names = evdns_base_new(http->base, 0);
	if (http->names == NULL)
		return false;
	/* Some nameservers do not keep the random case of a question. */
	evdns_base_set_option(http->names, "randomize-case:", "0");
	/* Without that file there is still hosts(5). */
	evdns_base_resolv_conf_parse(http->names, DNS_OPTIONS_ALL, RESOLV_CONF);
	return true;
}

bool http_prepare(struct http *http, unsigned int timeout_ms)
{
	const struct timeval timeout = { .tv_sec = timeout_ms / 1000,
					 .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000 };
	_cleanup_(cleanup_event_config_free) event_config *config = event_config_new();

	if (config == NULL)
		return false;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	http->base = event_base_new_with_config(config);
	if (http->base == NULL)
		return false;
	http->deadline = event_new(http->base, -1, 0, be_late, http);
	return http->deadline != NULL && event_add(http->deadline, &timeout) == 0 &&
	       prepare_names(http);
}

void http_disconnect(struct http *http)
{
	if (http->connection != NULL)
		evhttp_connection_free(http->connection);
	http->connection = NULL;
	http->stream = NULL;
	http->connected = false;
	http->closed = false;
}

/* libevent writes a request once it is connected, over TLS if wanted. */
static void be_connected(struct evbuffer *output, const struct evbuffer_cb_info *change,
			 void *context)
{
	struct http *http = context;

	http->connected |= change->n_added > 0;
}

bool http_is_flooded(const struct http *http)
{
	return http->heard > http->heard_max;
}

/* libevent bounds bodies and the headers of one answer, but not a line between two chunks, nor how
 * many interim answers (100 Continue) come first. */
static void be_told(struct evbuffer *input, const struct evbuffer_cb_info *change, void *context)
{
	struct http *http = context;

	http->heard += change->n_added;
	if (http_is_flooded(http))
		event_base_loopbreak(http->base);
}

/* libevent would reconnect by itself, but not start TLS again. */
static void be_closed(struct evhttp_connection *connection, void *context)
{
	struct http *http = context;

	http->closed = true;
}

bool http_connect(struct http *http)
{
	const struct endpoint *endpoint = &http->endpoint;

	http->stream = endpoint->https
			       ? http_tls_new(http->base, endpoint)
			       : bufferevent_socket_new(http->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (http->stream == NULL)
		return false;
	http->connection = evhttp_connection_base_bufferevent_new(
		http->base, http->names, http->stream, endpoint->host, endpoint->port);
	if (http->connection == NULL) {
		bufferevent_free(http->stream);
		http->stream = NULL;
		return false;
	}
	evhttp_connection_set_max_headers_size(http->connection, HTTP_HEADER_BYTES_MAX);
	evhttp_connection_set_timeout(http->connection, REQUEST_SECONDS_MAX);
	evhttp_connection_set_closecb(http->connection, be_closed, http);
	return evbuffer_add_cb(bufferevent_get_output(http->stream), be_connected, http) != NULL &&
	       evbuffer_add_cb(bufferevent_get_input(http->stream), be_told, http) != NULL;
}
