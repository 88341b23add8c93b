/* SPDX-License-Identifier: Apache-2.0 */
/* Ask one HTTP server, over one connection that is kept, within bounds. */
#ifndef EXC_HTTP_H
#define EXC_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/config/config.h"
#include "agent/http/endpoint.h"
#include "agent/config/problem.h"

/* Bytes of one answer's headers */
#define HTTP_HEADER_BYTES_MAX (16 * 1024)
/* Headers that one request may carry beside those of every request */
#define HTTP_HEADERS_MAX 2
/* The address's own path, and a request's */
#define HTTP_PATH_SIZE (CONFIG_VALUE_SIZE + 1024)

/* Bytes that http_escape() needs for a text that has room in `size` bytes. */
#define HTTP_ESCAPED_SIZE(size) (3 * (size))

/* One server; all fields are http.c's and http_connection.c's own. */
struct http {
	const char *url; /* borrowed from the configuration */
	struct endpoint endpoint; /* that the URL names */
	struct event_base *base;
	struct evdns_base *names; /* NULL: the host is an address */
	struct event *deadline;
	struct bufferevent *stream; /* the connection's own */
	struct evhttp_connection *connection; /* NULL: none yet */
	size_t heard; /* bytes that came since the last request, */
	size_t heard_max; /* and how many may: the body's and the headers' */
	bool connected; /* it can be, or was, written to */
	bool closed; /* the server has closed it */
	bool late; /* the deadline has passed */
};

struct http_header {
	const char *name;
	const char *value;
};

struct http_request {
	const char *method; /* "PUT" or "POST"; NULL: GET */
	const char *path; /* begins with a slash, percent-encoded */
	struct http_header headers[HTTP_HEADERS_MAX]; /* the first without a name ends them */
	const char *body; /* of PUT and POST; may be empty */
	size_t bytes_max; /* of the answer's body; more is PROBLEM_ANSWER_TOO_LARGE */
};

struct http_answer {
	int status;
	char *body; /* `length` bytes and a NUL; NULL when there are none */
	size_t length;
};

/* Make ready to ask config->metadata_url. From now on all requests together have timeout_ms.
 * PROBLEM_NONE, or PROBLEM_ENDPOINT_UNREACHABLE with `detail`; `http` is the caller's, to
 * http_close(), either way. Nothing is sent yet. `config` has to outlive `http`. */
enum problem http_open(struct http *http, const struct config *config,
		       char detail[PROBLEM_DETAIL_SIZE]);

/* Ask. PROBLEM_NONE: an answer that is whole, of whatever status but a redirect, is in `answer`,
 * whose body is the caller's, to http_free(). Otherwise one of the endpoint's problems, with
 * `detail`, and there is nothing to free. No redirects, no proxies, no other protocol than that
 * of the address. */
enum problem http_ask(struct http *http, const struct http_request *request,
		      struct http_answer *answer, char detail[PROBLEM_DETAIL_SIZE]);

/* Say that a status is none that was expected: always PROBLEM_HTTP_STATUS, with `detail`. */
enum problem http_wrong_status(const struct http *http, const struct http_answer *answer,
			       char detail[PROBLEM_DETAIL_SIZE]);

/* For _cleanup_(): free the body, close the connection. Zeroed structs are fine. */
void http_free(struct http_answer *answer);
void http_close(struct http *http);

/* Everything but letters, digits and -._~ becomes %XX (RFC 3986 section 2.1). `out` has room for
 * HTTP_ESCAPED_SIZE of the text and its NUL. */
void http_escape(const char *text, char *out);

#endif
