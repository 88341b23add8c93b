/* SPDX-License-Identifier: Apache-2.0 */
/* Read a number that a person or a header wrote. */
#include "base/number.h"

#include <string.h>

/* They fit into an unsigned int. */
#define DIGITS_MAX 9

bool number_parse(const char *text, unsigned int min, unsigned int max, unsigned int *number)
{
	size_t length = strlen(text);
	unsigned int value = 0;

	if (length == 0 || length > DIGITS_MAX || strspn(text, "0123456789") != length)
		return false;
	for (; *text != '\0'; text++)
		value = 10 * value + (unsigned int)(*text - '0');
	if (value < min || value > max)
		return false;
	*number = value;
	return true;
}
