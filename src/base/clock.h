/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks that nobody can set, and when this system started on the one that people set. */
#ifndef EXC_BASE_CLOCK_H
#define EXC_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Seconds since the kernel started, suspension included (clock_gettime(2), CLOCK_BOOTTIME). */
int64_t clock_boottime(void);

/* The same in nanoseconds. */
int64_t clock_boottime_ns(void);
#define CLOCK_NS_PER_SECOND 1000000000

/* A time of the kernel's, of a clock or a file, in nanoseconds. Inline: a test that replaces the
 * clocks needs it too. */
static inline int64_t clock_nanoseconds(const struct timespec *time)
{
	return time->tv_sec * (int64_t)CLOCK_NS_PER_SECOND + time->tv_nsec;
}

/* The way back, for futimens(2). */
static inline struct timespec clock_timespec(int64_t nanoseconds)
{
	return (struct timespec){ .tv_sec = nanoseconds / CLOCK_NS_PER_SECOND,
				  .tv_nsec = nanoseconds % CLOCK_NS_PER_SECOND };
}

/* The wall clock (CLOCK_REALTIME), which people set, in nanoseconds since 1970. */
static inline int64_t clock_realtime_ns(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	return clock_nanoseconds(&now);
}

/* clock_started() works with three values cut to whole seconds: the true start is at most this many
 * seconds later than its result. */
#define CLOCK_STARTED_ERROR 2

/* When this system started, in seconds since 1970, if clock_boottime() was `boottime` at `now` or
 * later: the start of process 1. In a container that is when the container started, which is when
 * its ledger was empty; where /proc hides process 1, when the kernel started. */
time_t clock_started(time_t now, int64_t boottime);

/* Milliseconds on a clock that only goes forward, suspension not included (CLOCK_MONOTONIC). */
int64_t clock_monotonic_ms(void);

#endif
