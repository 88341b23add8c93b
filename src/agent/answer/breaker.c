/* SPDX-License-Identifier: Apache-2.0 */
/* How long the endpoint may take: less while it fails, and never so little that it is not asked. */
#include "agent/answer/breaker.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ledger/stamp.h"

/* Names in LEDGER_DIR, see stamp.h: failures in a row, and the next question with the full time */
#define FAILURES_STAMP "endpoint.failures"
#define RETRY_STAMP "endpoint.retry"

/* Can the ledger say what this connection has waited? */
static bool is_known(const struct login_attempt *attempt)
{
	return attempt->unknown == NULL && attempt->connection.pid > 0;
}

static unsigned int find_waited(const struct login_attempt *attempt)
{
	return is_known(attempt) ? ledger_waited(attempt->ledger, &attempt->connection) : 0;
}

enum breaker_moment breaker_moment(const struct login_attempt *attempt)
{
	if (!is_known(attempt))
		return BREAKER_UNKNOWN;
	return find_waited(attempt) == 0 ? BREAKER_FIRST : BREAKER_LATER;
}

unsigned int breaker_limit(const struct login_attempt *attempt)
{
	const unsigned int full = attempt->config->timeout_ms, waited = find_waited(attempt);
	const unsigned int least = full < BREAKER_SHORT_MS ? full : BREAKER_SHORT_MS;

	if (waited + least > full)
		return least;
	if (stamp_read(attempt->ledger, FAILURES_STAMP) >= BREAKER_FAILURES_MAX &&
	    !stamp_once_per(attempt->ledger, RETRY_STAMP, BREAKER_RETRY_SECONDS))
		return least;
	return full - waited;
}

void breaker_note(const struct login_attempt *attempt, enum problem problem, unsigned int limit,
		  unsigned int took, char detail[PROBLEM_DETAIL_SIZE])
{
	const int64_t failures = stamp_read(attempt->ledger, FAILURES_STAMP);
	const bool failed = problem_is_endpoints(problem);
	const size_t length = strlen(detail);

	/* "Nothing for this key" after a long time delays the next key as a failure does. */
	if (is_known(attempt) && !attempt->is_offered && (failed || took >= BREAKER_SHORT_MS))
		ledger_wait_longer(attempt->ledger, &attempt->connection,
				   find_waited(attempt) + (took == 0 ? 1 : took));
	if (!failed) {
		if (failures != 0)
			stamp_write(attempt->ledger, FAILURES_STAMP, 0);
		return;
	}
	/* Two runs may count one failure for two: there are more. */
	if (problem != PROBLEM_HTTP_STATUS && failures < BREAKER_FAILURES_MAX)
		stamp_write(attempt->ledger, FAILURES_STAMP, failures + 1);
	if (problem == PROBLEM_ENDPOINT_TIMEOUT && limit < attempt->config->timeout_ms)
		snprintf(detail + length, PROBLEM_DETAIL_SIZE - length,
			 " (%u ms, as it failed before)", limit);
}
