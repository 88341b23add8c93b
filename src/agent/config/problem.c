/* SPDX-License-Identifier: Apache-2.0 */
/* Why the agent could offer nothing, and what to do about it. */
#include "agent/config/problem.h"

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
