/* SPDX-License-Identifier: Apache-2.0 */
/* What time it is for grants: the endpoint's signed word, the local clock, and never earlier than
 * the latest signed word. */
#ifndef EXC_VOUCHED_TIME_H
#define EXC_VOUCHED_TIME_H

#include <time.h>

#include "ledger/ledger.h"

/* The name in LEDGER_DIR of what is remembered, see stamp.h */
#define VOUCHED_TIME_STAMP "vouched"

/* The earliest time that it can be now, by what was vouched for; 0 when nothing was. */
time_t vouched_time_earliest(const struct ledger *ledger);

/* Take the endpoint's verified time (seconds since 1970), and return what is now "now": the same,
 * or later if an earlier answer vouched for a later time. */
time_t vouched_time_take(const struct ledger *ledger, time_t signed_time);

/* Without a signed time: the local clock, or later if an earlier answer vouched for a later time.
 */
time_t vouched_time_without(const struct ledger *ledger);

#endif
