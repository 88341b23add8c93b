/* SPDX-License-Identifier: Apache-2.0 */
/* Ask one HTTP server, over one connection that is kept, within bounds. */
#ifndef EXC_HTTP_H
#define EXC_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "agent/config.h"
#include "agent/problem.h"

/* Bytes of one answer's headers */
#define HTTP_HEADER_BYTES_MAX (16 * 1024)
/* Headers that one request may carry beside libcurl's own */
#define HTTP_HEADERS_MAX 4
/* The server's address, a path, and a text of which every byte became %XX */
#define HTTP_URL_SIZE (CONFIG_VALUE_SIZE + 1024)

/* Bytes that http_escape() needs for a text that has room in `size` bytes. */
#define HTTP_ESCAPED_SIZE(size) (3 * (size))

/* One server; all fields are http.c's own. */
struct http {
	void *curl;
	const char *base; /* borrowed from the configuration */
	int64_t deadline; /* CLOCK_MONOTONIC, in milliseconds */
};

struct http_request {
	const char *method; /* "PUT" or "POST"; NULL: GET */
	const char *path; /* begins with a slash, percent-encoded */
	const char *headers[HTTP_HEADERS_MAX]; /* "Name: value"; the first NULL ends them */
	const char *body; /* of PUT and POST; may be empty */
	size_t bytes_max; /* of the answer's body; more is PROBLEM_ANSWER_TOO_LARGE */
};

struct http_answer {
	long status;
	char *body; /* `length` bytes and a NUL; NULL when there are none */
	size_t length;
};

/* Make ready to ask config->metadata_url. From now on all requests together have timeout_ms.
 * PROBLEM_NONE: `http` is the caller's, to http_close(). Otherwise PROBLEM_ENDPOINT_UNREACHABLE,
 * with `detail`. Nothing is sent yet. `config` has to outlive `http`. */
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
