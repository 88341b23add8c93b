/* SPDX-License-Identifier: Apache-2.0 */
/* The one fetch program of this process, which has the network for it. */
#ifndef EXC_AGENT_HTTP_FETCH_PROCESS_H
#define EXC_AGENT_HTTP_FETCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config/config.h"

/* "FD:PID", by which a process hands its fetch program over to the program that it becomes */
#define FETCH_PROCESS_TEXT_SIZE 24

/* Start it, unless there is one, or this was tried in vain. Returns 0 or the errno of the attempt.
 */
int fetch_process_start(const struct config *config);

/* Make this the only one: from inside the sandbox, no program can be started or ended. */
void fetch_process_keep(void);

/* Write down what execve(2) is to leave open. */
void fetch_process_hand_over(char text[FETCH_PROCESS_TEXT_SIZE]);

/* Take over what was handed over. False if it is nothing of the kind. */
bool fetch_process_take_over(const char *text);

/* Send all of it, or receive exactly `length` bytes, by `deadline` (clock_monotonic_ms()). False at
 * the deadline, with ETIMEDOUT, or when the program has ended (EPIPE): it is then of no further
 * use. */
bool fetch_process_send(const void *bytes, size_t length);
bool fetch_process_receive(void *bytes, size_t length, int64_t deadline);

/* Which walls stand around it here, see sandbox_try(). */
unsigned int fetch_process_try(const struct config *config);

/* Let it end: there will be no more requests. */
void fetch_process_end(void);

/* The same, and wait until it has ended. One that hangs is left behind, and ends with this process.
 */
void fetch_process_stop(void);

#endif
