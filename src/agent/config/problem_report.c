/* SPDX-License-Identifier: Apache-2.0 */
/* Report a problem in the journal, but not too often. */
#include "agent/config/problem_report.h"

#include <stdio.h>

#include "base/clock.h"
#include "ledger/journal.h"
#include "ledger/stamp.h"

/* "said." and a problem's name */
#define STAMP_NAME_SIZE 64

static void name_stamp(enum problem problem, char stamp[STAMP_NAME_SIZE])
{
	snprintf(stamp, STAMP_NAME_SIZE, "said.%s", problem_name(problem));
}

static void write_record(enum problem problem, const char *user, const char *detail)
{
	char text[2 * PROBLEM_DETAIL_SIZE];
	struct journal_record record = { .event = JOURNAL_PROBLEM,
					 .user = user,
					 .reason = problem_name(problem),
					 .detail = text };

	snprintf(text, sizeof text, "%s; %s", detail, problem_advice(problem));
	journal_write(&record);
}

void problem_report(const struct ledger *ledger, enum problem problem, const char *user,
		    const char *detail)
{
	char stamp[STAMP_NAME_SIZE];

	name_stamp(problem, stamp);
	if (ledger == NULL || stamp_once_per(ledger, stamp, PROBLEM_QUIET_SECONDS))
		write_record(problem, user, detail);
}

void problem_report_always(const struct ledger *ledger, enum problem problem, const char *user,
			   const char *detail)
{
	char stamp[STAMP_NAME_SIZE];

	name_stamp(problem, stamp);
	stamp_write(ledger, stamp, clock_boottime() + PROBLEM_QUIET_SECONDS);
	write_record(problem, user, detail);
}
