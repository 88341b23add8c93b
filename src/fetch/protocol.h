/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent and its fetch program send each other, over a socket that is the latter's standard
 * input and output. Both are of one build on one machine: numbers are as in memory. */
#ifndef EXC_FETCH_PROTOCOL_H
#define EXC_FETCH_PROTOCOL_H

#include <stdint.h>

/* Bytes of one answer's headers, interim answers included */
#define FETCH_HEADER_BYTES_MAX (16 * 1024)
/* Bytes of a request's texts, and of an answer's body */
#define FETCH_TEXTS_BYTES_MAX (256 * 1024)
#define FETCH_BODY_BYTES_MAX (16 * 1024 * 1024)
/* Bytes of the text that tells what went wrong, with its NUL */
#define FETCH_DETAIL_SIZE 192

/* A request's texts, in this order, each with a NUL at its end */
enum fetch_text {
	FETCH_METHOD, /* "GET", "PUT" or "POST" */
	FETCH_PATH, /* begins with a slash, percent-encoded */
	FETCH_HEADER, /* "Name: value", or empty */
	FETCH_SECOND_HEADER,
	FETCH_BODY, /* of PUT and POST */
	FETCH_TEXTS,
};

/* Before them */
struct fetch_request {
	int64_t deadline; /* by clock_monotonic_ms() */
	uint32_t bytes_max; /* of the answer's body */
	uint32_t length; /* of all texts */
};

enum fetch_result {
	FETCH_ANSWERED, /* the body follows, of any status */
	/* Otherwise a text follows that tells what went wrong, without a NUL. */
	FETCH_NO_CONNECTION, /* by the deadline */
	FETCH_NO_ANSWER, /* likewise */
	FETCH_UNREACHABLE, /* no address, no connection, no TLS */
	FETCH_TOO_LARGE,
	FETCH_MALFORMED, /* not HTTP, or not all of it */
};

struct fetch_answer {
	int32_t result; /* enum fetch_result */
	int32_t status; /* of HTTP */
	uint32_t length; /* of what follows */
};

#endif
