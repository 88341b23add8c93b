/* SPDX-License-Identifier: Apache-2.0 */
/* Join base64 that was broken into lines. */
#include "ec2/lines.h"

ssize_t lines_join(const char *text, size_t length, char *out, size_t size)
{
	size_t joined = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			continue;
		if (joined == size)
			return -1;
		out[joined++] = text[i];
	}
	return (ssize_t)joined;
}
