/* SPDX-License-Identifier: Apache-2.0 */
/* Print messages that cannot control the user's terminal. */
#include "cli/terminal/say.h"

#include <stdarg.h>
#include <stdio.h>

void say_harmless(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
		if (*at < 0x20 || *at == 0x7f)
			*at = '?';
		/* U+0080 to U+009F, of which some terminals take U+009B for ESC [ */
		else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
			at[0] = at[1] = '?';
	}
}

void say(const char *format, ...)
{
	char text[SAY_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	say_harmless(text);
	fprintf(stderr, "exc: %s\n", text);
}
