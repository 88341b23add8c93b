/* SPDX-License-Identifier: Apache-2.0 */
/* How far this machine's clock is off, judging by grants, where nobody signs the time. */
#include "agent/provider/clock_skew.h"

#include <stdio.h>

#include "base/clock.h"
#include "ledger/stamp.h"

/* Holds this system's start time, assuming that the last grant refused for its time was fresh.
 * Adding the clock that nobody can set gives the time, however the wall clock was set since. */
#define STAMP "unvouched"

bool skew_explain(const struct ledger *ledger, enum grant_verdict verdict,
		  const struct grant *grant, time_t now, char detail[PROBLEM_DETAIL_SIZE])
{
	const bool is_behind = verdict == GRANT_ISSUED_IN_FUTURE;
	const long long seconds =
		is_behind ? (long long)(grant->issued - now) : (long long)(now - grant->expires);

	if (!is_behind && verdict != GRANT_EXPIRED)
		return false;
	snprintf(detail, PROBLEM_DETAIL_SIZE,
		 "the endpoint signs no time, and if this grant is fresh, this machine's clock is "
		 "%lld seconds or more %s; set it: " SKEW_MEND,
		 seconds, is_behind ? "behind" : "ahead");
	stamp_write(ledger, STAMP, (int64_t)grant->issued - clock_boottime());
	return true;
}

int64_t skew_remembered(const struct ledger *ledger, time_t now, unsigned int lifetime_max)
{
	const int64_t start = stamp_read(ledger, STAMP);
	const int64_t earliest = start + clock_boottime();
	const int64_t latest = earliest + lifetime_max;

	if (start == 0)
		return 0;
	if (now < earliest)
		return now - earliest;
	return now > latest ? now - latest : 0;
}
