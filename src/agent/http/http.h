/* SPDX-License-Identifier: Apache-2.0 */
/* Ask one HTTP server, over one connection that is kept, within bounds. */
#ifndef EXC_AGENT_HTTP_HTTP_H
#define EXC_AGENT_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config/config.h"
#include "agent/config/problem.h"

/* Headers of one request, besides those that all have */
#define HTTP_HEADERS_MAX 2

/* Bytes that http_escape() needs for a text in a buffer of `size` bytes. */
#define HTTP_ESCAPED_SIZE(size) (3 * (size))

/* One server; the fields are private to http.c. */
struct http {
	const char *url; /* borrowed from the configuration */
	int64_t deadline; /* of all requests, by clock_monotonic_ms() */
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
	void (*meanwhile)(void *context); /* called while the answer is awaited; or NULL */
	void *context;
	bool is_last; /* the fetch program ends while its answer is looked at */
};

struct http_answer {
	int status;
	char *body; /* `length` bytes and a NUL; NULL when there are none */
	size_t length;
};

/* Prepare to ask config->metadata_url. From now on all requests together have timeout_ms.
 * PROBLEM_NONE, or PROBLEM_ENDPOINT_UNREACHABLE with `detail`. Nothing is sent yet. `config` has to
 * outlive `http`. Who enters a sandbox calls fetch_process_start() first. */
enum problem http_open(struct http *http, const struct config *config,
		       char detail[PROBLEM_DETAIL_SIZE]);

/* Ask. PROBLEM_NONE: a complete answer, of any status but a redirect, is in `answer`, whose body
 * the caller frees with http_free(). Otherwise one of the endpoint's problems, with `detail`, and
 * nothing to free. No redirects, no proxies, no protocol but that of the address. */
enum problem http_ask(struct http *http, const struct http_request *request,
		      struct http_answer *answer, char detail[PROBLEM_DETAIL_SIZE]);

/* Report an unexpected status: always PROBLEM_HTTP_STATUS, with `detail`. */
enum problem http_wrong_status(const struct http *http, const struct http_answer *answer,
			       char detail[PROBLEM_DETAIL_SIZE]);

/* For _cleanup_(): free the body. A zeroed struct is fine. */
void http_free(struct http_answer *answer);

/* Everything but letters, digits and -._~ becomes %XX (RFC 3986 section 2.1). `out` has room for
 * HTTP_ESCAPED_SIZE of the text and its NUL. */
void http_escape(const char *text, char *out);

#endif
