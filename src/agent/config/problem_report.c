/* SPDX-License-Identifier: Apache-2.0 */
/* Report a problem in the journal, but not too often. */
#include "agent/config/problem_report.h"

#include <stdio.h>

#include "ledger/journal.h"
#include "ledger/stamp.h"

void problem_report(const struct ledger *ledger, enum problem problem, const char *user,
		    const char *detail)
{
	char stamp[64], text[2 * PROBLEM_DETAIL_SIZE];
	struct journal_record record = { .event = JOURNAL_PROBLEM,
					 .user = user,
					 .reason = problem_name(problem),
					 .detail = text };

	snprintf(stamp, sizeof stamp, "said.%s", problem_name(problem));
	if (ledger != NULL && !stamp_once_per(ledger, stamp, PROBLEM_QUIET_SECONDS))
		return;
	snprintf(text, sizeof text, "%s; %s", detail, problem_advice(problem));
	journal_write(&record);
}
