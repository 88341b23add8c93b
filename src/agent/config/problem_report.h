/* SPDX-License-Identifier: Apache-2.0 */
/* Report a problem in the journal, and not too often. */
#ifndef EXC_PROBLEM_REPORT_H
#define EXC_PROBLEM_REPORT_H

#include "agent/config/problem.h"
#include "ledger/ledger.h"

/* After the endpoint failed, it is not asked for so many seconds; and each problem is logged at
 * most once in as many, so that strangers who try keys cannot fill the journal. */
#define PROBLEM_QUIET_SECONDS 5
/* Say what is wrong and what to do, in one journal entry. `detail` is what the code knows of this
 * case. `ledger` remembers when it was last said; NULL, when there is none, says it every time. */
void problem_report(const struct ledger *ledger, enum problem problem, const char *user,
		    const char *detail);

#endif
