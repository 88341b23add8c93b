/* SPDX-License-Identifier: Apache-2.0 */
/* Retry what the endpoint did not accept, with longer and longer pauses, for a bounded time. */
#ifndef EXC_AGENT_REPORT_RETRY_H
#define EXC_AGENT_REPORT_RETRY_H

#include <stdbool.h>

/* The longest pause, and the longest time that may be requested */
#define RETRY_PAUSE_MAX 60
#define RETRY_SECONDS_MAX 3600

/* Call `attempt` with `context` until it is true, or until `seconds` have passed; 0: once. The
 * pauses are about 1, 2, 4 … RETRY_PAUSE_MAX seconds, shortened at random so that many machines do
 * not ask at once. `last` tells the attempt that it is the last one. */
bool retry(bool (*attempt)(void *context, bool last), void *context, unsigned int seconds);

/* Take `--retry SECONDS` out of the arguments, wherever it is. False if SECONDS is missing or not a
 * number from 0 to RETRY_SECONDS_MAX. Without it *seconds is 0. */
bool retry_take_option(int *argc, char **argv, unsigned int *seconds);

#endif
