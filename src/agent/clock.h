/* SPDX-License-Identifier: Apache-2.0 */
/* The clock that nobody can set, and when this system started on the one that people set. */
#ifndef EXC_CLOCK_H
#define EXC_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Seconds since the kernel started, suspension included (clock_gettime(2), CLOCK_BOOTTIME). */
int64_t clock_boottime(void);

/* When this system started, in seconds since 1970, if it is `now`: the start of process 1. In a
 * container that is when the container started, which is when its ledger was empty; where /proc
 * hides process 1, when the kernel started. */
time_t clock_started(time_t now);

#endif
