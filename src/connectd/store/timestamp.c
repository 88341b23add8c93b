/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as the API writes them: RFC 3339, UTC, whole seconds. */
#include "connectd/store/timestamp.h"

#include <time.h>

void api_time(int64_t seconds, char text[API_TIME_SIZE])
{
	time_t when = (time_t)seconds;
	struct tm utc;

	text[0] = '\0';
	if (gmtime_r(&when, &utc) != NULL)
		strftime(text, API_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
}
