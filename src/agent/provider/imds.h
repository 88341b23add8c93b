/* SPDX-License-Identifier: Apache-2.0 */
/* EC2's instance metadata service, version 2: a session token, and the requests made with it. */
#ifndef EXC_AGENT_PROVIDER_IMDS_H
#define EXC_AGENT_PROVIDER_IMDS_H

#include <stddef.h>

#include "agent/config/config.h"
#include "agent/http/http.h"
#include "agent/config/problem.h"

/* Bytes of a token; real ones have 56. */
#define IMDS_TOKEN_BYTES_MAX 512
/* Seconds that a token is asked for; more than all requests may take together */
#define IMDS_TOKEN_SECONDS "60"
/* Bytes of a one-word answer, and of a path below meta-data */
#define IMDS_WORD_SIZE 128
#define IMDS_PATH_SIZE 256

struct imds {
	struct http http;
	char token[IMDS_TOKEN_BYTES_MAX + 1];
};

/* Open a session: one request, PUT /latest/api/token. All requests together have timeout_ms, and go
 * over one connection. PROBLEM_NONE, or one of the endpoint's problems with `detail`. The
 * token expires by itself. */
enum problem imds_open(struct imds *imds, const struct config *config,
		       char detail[PROBLEM_DETAIL_SIZE]);

/* GET /latest/meta-data/PATH, of at most `bytes_max`. PROBLEM_NONE: the status is 200, or 404 for
 * what is not there, and the answer is the caller's, to http_free(). Every other status is
 * PROBLEM_HTTP_STATUS. */
enum problem imds_get(struct imds *imds, const char *path, size_t bytes_max,
		      struct http_answer *answer, char detail[PROBLEM_DETAIL_SIZE]);

/* The same for one word of letters, digits, '.' and '-', which must exist. Anything else is
 * PROBLEM_ANSWER_MALFORMED. */
enum problem imds_get_word(struct imds *imds, const char *path, char word[IMDS_WORD_SIZE],
			   char detail[PROBLEM_DETAIL_SIZE]);

#endif
