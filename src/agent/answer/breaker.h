/* SPDX-License-Identifier: Apache-2.0 */
/* How long the endpoint may take: less while it fails, and never so little that it is not asked. */
#ifndef EXC_AGENT_ANSWER_BREAKER_H
#define EXC_AGENT_ANSWER_BREAKER_H

#include "agent/config/problem.h"
#include "agent/provider/login_attempt.h"

/* Failures in a row after which the time is short */
#define BREAKER_FAILURES_MAX 3
/* That time in milliseconds: an endpoint that works takes a few */
#define BREAKER_SHORT_MS 300
/* Seconds after which one question gets the full time again, so that an endpoint that has become
 * slow is found to work */
#define BREAKER_RETRY_SECONDS 5

/* Milliseconds for this question. A connection, which may offer many keys, waits for timeout_ms in
 * vain, all questions together, and then for a short time for each. */
unsigned int breaker_limit(const struct login_attempt *attempt);

/* Whether this connection has waited in vain before */
enum breaker_moment {
	BREAKER_UNKNOWN,
	BREAKER_FIRST,
	BREAKER_LATER
};
enum breaker_moment breaker_moment(const struct login_attempt *attempt);

/* Note how it went: after `took` of `limit` milliseconds. An answer that is not HTTP 200 is an
 * answer. Adds to `detail`, if the question was cut short for what happened before. */
void breaker_note(const struct login_attempt *attempt, enum problem problem, unsigned int limit,
		  unsigned int took, char detail[PROBLEM_DETAIL_SIZE]);

#endif
