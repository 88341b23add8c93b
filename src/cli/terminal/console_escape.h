/* SPDX-License-Identifier: Apache-2.0 */
/* Find the keystrokes that leave a console: "~." at the start of a line, as in ssh, or Ctrl-]. */
#ifndef EXC_CLI_TERMINAL_CONSOLE_ESCAPE_H
#define EXC_CLI_TERMINAL_CONSOLE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#define ESCAPE_CONTROL 0x1d /* Ctrl-] */

struct escape {
	bool within_line; /* something was typed after the last line break */
	bool tilde; /* a "~" at the start of a line is held back */
};

/* Copy `length` typed bytes to `out`, with room for length + 1, and return their number. "~~" at
 * the start of a line is one "~". `*leaves` is set, and the rest dropped, at the keystrokes that
 * leave. Start with a struct of zeros. */
size_t escape_filter(struct escape *escape, const unsigned char *typed, size_t length,
		     unsigned char *out, bool *leaves);

#endif
