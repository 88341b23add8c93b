/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as the API writes them: RFC 3339, UTC, whole seconds. */
#include "connectd/store/timestamp.h"

#include <string.h>
#include <time.h>

void api_time(int64_t seconds, char text[API_TIME_SIZE])
{
	time_t when = (time_t)seconds;
	struct tm utc;

	text[0] = '\0';
	if (gmtime_r(&when, &utc) != NULL)
		strftime(text, API_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

bool api_time_read(const char *text, int64_t *seconds)
{
	char again[API_TIME_SIZE];
	struct tm utc = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);

	if (end == NULL || *end != '\0')
		return false;
	*seconds = (int64_t)timegm(&utc);
	/* strptime(3) also takes spaces, and days that a month does not have. */
	api_time(*seconds, again);
	return *seconds > 0 && strcmp(again, text) == 0;
}
