/* SPDX-License-Identifier: Apache-2.0 */
/* What time it is for grants: the endpoint's signed time or the local clock, and never earlier than
 * the latest signed time. */
#include "agent/provider/vouched_time.h"

#include "base/clock.h"
#include "ledger/stamp.h"

/* The stamp holds this system's start by the latest signed time. Adding the clock that nobody can
 * set gives the earliest time that it can be now. */
time_t vouched_time_earliest(const struct ledger *ledger)
{
	int64_t start = stamp_read(ledger, VOUCHED_TIME_STAMP);

	return start == 0 ? 0 : (time_t)(start + clock_boottime());
}

time_t vouched_time_take(const struct ledger *ledger, time_t signed_time)
{
	time_t earliest = vouched_time_earliest(ledger);

	if (signed_time <= earliest)
		return earliest;
	stamp_write(ledger, VOUCHED_TIME_STAMP, (int64_t)signed_time - clock_boottime());
	return signed_time;
}

time_t vouched_time_without(const struct ledger *ledger)
{
	time_t earliest = vouched_time_earliest(ledger);
	time_t now = time(NULL);

	return now > earliest ? now : earliest;
}
