/* SPDX-License-Identifier: Apache-2.0 */
/* Report a problem in the journal, but not too often. */
#ifndef EXC_AGENT_CONFIG_PROBLEM_REPORT_H
#define EXC_AGENT_CONFIG_PROBLEM_REPORT_H

#include "agent/config/problem.h"
#include "ledger/ledger.h"

/* Seconds in which each problem is logged at most once, so that strangers who try keys cannot fill
 * the journal */
#define PROBLEM_QUIET_SECONDS 5

/* Log what is wrong and what to do, in one journal entry. `detail` is what the code knows about
 * this case. `ledger` remembers when it was last logged; if NULL, it is logged every time. */
void problem_report(const struct ledger *ledger, enum problem problem, const char *user,
		    const char *detail);

/* The same, however recently it was logged: for the first that goes wrong in a connection. */
void problem_report_always(const struct ledger *ledger, enum problem problem, const char *user,
			   const char *detail);

#endif
