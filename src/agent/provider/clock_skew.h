/* SPDX-License-Identifier: Apache-2.0 */
/* How far this machine's clock is off, judging by grants, where nobody signs the time. For messages
 * only: no grant is accepted or refused because of it. */
#ifndef EXC_AGENT_PROVIDER_CLOCK_SKEW_H
#define EXC_AGENT_PROVIDER_CLOCK_SKEW_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "ledger/ledger.h"
#include "agent/config/problem.h"
#include "grant/grant.h"

#define SKEW_MEND "timedatectl set-ntp true"

/* Set `detail` to how far the clock, which shows `now`, must be off if the grant that it refuses is
 * fresh, and remember that for skew_remembered(). False, with nothing done, if the verdict is not
 * about the time. */
bool skew_explain(const struct ledger *ledger, enum grant_verdict verdict,
		  const struct grant *grant, time_t now, char detail[PROBLEM_DETAIL_SIZE]);

/* Least number of seconds that the clock, which shows `now`, is off, judging by the last grant that
 * was refused for its time: above 0 ahead, below 0 behind, 0 if it may be right. No grant lives
 * longer than `lifetime_max` seconds. */
int64_t skew_remembered(const struct ledger *ledger, time_t now, unsigned int lifetime_max);

#endif
