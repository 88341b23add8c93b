/* SPDX-License-Identifier: Apache-2.0 */
/* Find the keystrokes that leave a console: "~." at the start of a line, as in ssh, or Ctrl-]. */
#include "cli/terminal/console_escape.h"

size_t escape_filter(struct escape *escape, const unsigned char *typed, size_t length,
		     unsigned char *out, bool *leaves)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char byte = typed[i];
		bool held = escape->tilde;

		escape->tilde = false;
		if (byte == ESCAPE_CONTROL || (held && byte == '.')) {
			*leaves = true;
			return count;
		}
		if (!held && !escape->within_line && byte == '~') {
			escape->tilde = true;
			continue;
		}
		if (held && byte != '~')
			out[count++] = '~';
		out[count++] = byte;
		escape->within_line = byte != '\r' && byte != '\n';
	}
	return count;
}
