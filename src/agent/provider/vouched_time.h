/* SPDX-License-Identifier: Apache-2.0 */
/* What time it is for grants: the endpoint's signed time or the local clock, and never earlier than
 * the latest signed time. */
#ifndef EXC_AGENT_PROVIDER_VOUCHED_TIME_H
#define EXC_AGENT_PROVIDER_VOUCHED_TIME_H

#include <time.h>

#include "ledger/ledger.h"

/* The name in LEDGER_DIR of what is remembered, see stamp.h */
#define VOUCHED_TIME_STAMP "vouched"

/* The earliest time that it can be now, by the signed times so far; 0 if there were none. */
time_t vouched_time_earliest(const struct ledger *ledger);

/* Take the endpoint's verified time (seconds since 1970), and return the time to use: the same, or
 * later if an earlier answer vouched for a later time. */
time_t vouched_time_take(const struct ledger *ledger, time_t signed_time);

/* Without a signed time: the local clock, or later if an earlier answer vouched for a later time.
 */
time_t vouched_time_without(const struct ledger *ledger);

#endif
