/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks that nobody can set, and when this system started on the one that people set. */
#include "base/clock.h"

#include <unistd.h>

#include "base/process.h"

int64_t clock_boottime(void)
{
	struct timespec time = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &time);
	return time.tv_sec;
}

int64_t clock_boottime_ns(void)
{
	struct timespec time = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &time);
	return clock_nanoseconds(&time);
}

time_t clock_started(time_t now, int64_t boottime)
{
	struct process first;
	int64_t start = 0;
	long ticks = sysconf(_SC_CLK_TCK);

	if (process_read(1, &first) && ticks > 0)
		start = (int64_t)(first.start / (uint64_t)ticks);
	return now - (time_t)(boottime - start);
}

int64_t clock_monotonic_ms(void)
{
	struct timespec time = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}
