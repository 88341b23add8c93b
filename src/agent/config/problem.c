/* SPDX-License-Identifier: Apache-2.0 */
/* Why the agent could offer nothing, and what to do about it. */
#include "agent/config/problem.h"

#include <stdio.h>

#include "ledger/journal.h"
#include "ledger/paths.h"
#include "ledger/stamp.h"

const char *problem_name(enum problem problem)
{
	switch (problem) {
#define PROBLEM_NAME(value, name, advice)                                                          \
	case value:                                                                                \
		return name;
		PROBLEMS(PROBLEM_NAME)
#undef PROBLEM_NAME
	}
	return "unknown";
}

/* NOLINTBEGIN(bugprone-branch-clone): some problems have the same advice */
const char *problem_advice(enum problem problem)
{
	switch (problem) {
#define PROBLEM_ADVICE(value, name, advice)                                                        \
	case value:                                                                                \
		return advice;
		PROBLEMS(PROBLEM_ADVICE)
#undef PROBLEM_ADVICE
	}
	return "";
}
/* NOLINTEND(bugprone-branch-clone) */

bool problem_is_endpoints(enum problem problem)
{
	return problem == PROBLEM_ENDPOINT_UNREACHABLE || problem == PROBLEM_ENDPOINT_TIMEOUT ||
	       problem == PROBLEM_REDIRECTED || problem == PROBLEM_ANSWER_TOO_LARGE ||
	       problem == PROBLEM_ANSWER_MALFORMED || problem == PROBLEM_HTTP_STATUS;
}

void problem_report(const struct ledger *ledger, enum problem problem, const char *user,
		    const char *detail)
{
	char stamp[64], text[2 * PROBLEM_DETAIL_SIZE];
	struct audit_record record = { .event = AUDIT_PROBLEM,
				       .user = user,
				       .reason = problem_name(problem),
				       .detail = text };

	snprintf(stamp, sizeof stamp, "said.%s", problem_name(problem));
	if (ledger != NULL && !stamp_once_per(ledger, stamp, PROBLEM_QUIET_SECONDS))
		return;
	snprintf(text, sizeof text, "%s; %s", detail, problem_advice(problem));
	audit_write(&record);
}
