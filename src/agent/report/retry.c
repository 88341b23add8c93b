/* SPDX-License-Identifier: Apache-2.0 */
/* Retry what the endpoint did not accept, with longer and longer pauses, for a bounded time. */
#include "agent/report/retry.h"
#include "base/clock.h"
#include "base/number.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Between half and all of the pause, in milliseconds */
static long shorten(unsigned int pause)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
		random = 0;
	return 500L * pause + (long)(random % (500 * pause + 1));
}

bool retry(bool (*attempt)(void *context, bool last), void *context, unsigned int seconds)
{
	const int64_t end = clock_monotonic_ms() + INT64_C(1000) * seconds;
	unsigned int pause = 1;

	/* Bounded by `seconds`: each pause lasts half a second at least */
	for (;;) {
		long wait = shorten(pause);
		bool last = clock_monotonic_ms() + wait > end;
		const struct timespec time = { .tv_sec = wait / 1000,
					       .tv_nsec = wait % 1000 * 1000000L };

		if (attempt(context, last))
			return true;
		if (last)
			return false;
		nanosleep(&time, NULL);
		pause = 2 * pause > RETRY_PAUSE_MAX ? RETRY_PAUSE_MAX : 2 * pause;
	}
}

bool retry_take_option(int *argc, char **argv, unsigned int *seconds)
{
	*seconds = 0;
	for (int i = 0; i < *argc; i++) {
		const char *value = i + 1 < *argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--retry") != 0)
			continue;
		if (!number_parse(value, 0, RETRY_SECONDS_MAX, seconds))
			return false;
		for (int j = i; j + 2 <= *argc; j++)
			argv[j] = argv[j + 2];
		*argc -= 2;
		return true;
	}
	return true;
}
