/* SPDX-License-Identifier: Apache-2.0 */
/* Set a terminal to raw mode and back, and ask on it. */
#ifndef EXC_CLI_TERMINAL_TERMINAL_H
#define EXC_CLI_TERMINAL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct terminal {
	int fd;
	bool changed;
	struct termios before;
};

/* Every key goes through, and nothing is echoed, until terminal_restore(). Does nothing if it is
 * not a terminal. */
void terminal_set_raw(struct terminal *terminal, int fd);

void terminal_restore(struct terminal *terminal);

/* Ask on the user's terminal, whatever standard input is, and read one line, without its line
 * break, into `answer`; with `echo` or without. False without a terminal, at its end, or when the
 * line does not fit. */
bool terminal_ask(const char *question, bool echo, char *answer, size_t size);

#endif
