/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as the API writes them: RFC 3339, UTC, whole seconds. */
#ifndef EXC_CONNECTD_STORE_TIMESTAMP_H
#define EXC_CONNECTD_STORE_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

/* "2026-11-25T03:00:47Z" and the NUL, with room for years that no clock should have */
#define API_TIME_SIZE 32

/* Write `seconds` since 1970; "" when out of range. */
void api_time(int64_t seconds, char text[API_TIME_SIZE]);

/* Read it again. False when it is not written like that, or before 1970. */
bool api_time_read(const char *text, int64_t *seconds);

#endif
