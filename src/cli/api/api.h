/* SPDX-License-Identifier: Apache-2.0 */
/* Ask the control plane over HTTP, a bounded number of times. */
#ifndef EXC_CLI_API_API_H
#define EXC_CLI_API_API_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/api/credentials.h"
#include "base/json.h"

#define API_ATTEMPTS_MAX 3
#define API_CONNECT_SECONDS 5
#define API_SECONDS 15
/* Wait no longer than this when the server says Retry-After, in seconds. */
#define API_WAIT_SECONDS_MAX 10
#define API_ANSWER_BYTES_MAX (1024 * 1024)
#define API_CODE_SIZE 80
#define API_MESSAGE_SIZE 512
#define API_REQUEST_ID_SIZE 80
#define API_PATH_SIZE 512
/* 128 random bits in hexadecimal, and the NUL */
#define IDEMPOTENCY_KEY_SIZE 33

/* The code when no answer came */
#define API_CODE_NETWORK "exc.network"
/* The code of an answer that is not the API's */
#define API_CODE_ANSWER "exc.answer"

struct api_request {
	const char *path; /* "/iam/me", with the query */
	const char *body; /* JSON to POST; NULL for GET */
	const char *idempotency_key; /* of POST: it makes asking again safe */
};

/* Zeroed by the caller before its first use; api_answer_free() afterwards. */
struct api_answer {
	cJSON *json; /* of status 200; otherwise NULL */
	long status; /* 0 if none came */
	unsigned int retry_after; /* seconds; 0 if not given */
	char code[API_CODE_SIZE]; /* why it is not 200, as compute.instance.not_found */
	char message[API_MESSAGE_SIZE];
	char request_id[API_REQUEST_ID_SIZE]; /* empty if there is none */
};

/* Ask, and retry brief failures of the network or the server. True for status 200 with JSON;
 * otherwise code and message are set. Redirects are not followed: a token is for one endpoint. */
bool api_call(const struct account *account, const struct api_request *request,
	      struct api_answer *answer);

/* Print what went wrong, with the code, the request's id, and what to do about it. */
void api_say_failure(const struct account *account, const struct api_answer *answer);

/* A random key for one command. False when the system has no random numbers. */
bool api_make_idempotency_key(char key[IDEMPOTENCY_KEY_SIZE]);

void api_answer_free(struct api_answer *answer);
#define _cleanup_answer_ _cleanup_(api_answer_free)

#endif
