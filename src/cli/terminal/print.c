/* SPDX-License-Identifier: Apache-2.0 */
/* Print the control plane's answers to standard output. */
#include "cli/terminal/print.h"

#include <stdio.h>

#include "cli/terminal/say.h"

void print_json(const cJSON *json)
{
	char *text = cJSON_Print(json);

	if (text != NULL)
		puts(text);
	cJSON_free(text);
}

void print_line(const char *name, const char *value)
{
	char text[PRINT_SIZE];

	if (value == NULL)
		return;
	snprintf(text, sizeof text, "%s", value);
	say_harmless(text);
	printf("%-10s %s\n", name, text);
}

void print_column(int width, const char *value)
{
	char text[PRINT_SIZE];

	snprintf(text, sizeof text, "%s", value == NULL || value[0] == '\0' ? "-" : value);
	say_harmless(text);
	printf("%-*s ", width, text);
}
