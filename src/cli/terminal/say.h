/* SPDX-License-Identifier: Apache-2.0 */
/* Print messages that cannot control the user's terminal. */
#ifndef EXC_CLI_TERMINAL_SAY_H
#define EXC_CLI_TERMINAL_SAY_H

#include <stddef.h>

/* Every failure of exc itself, including wrong usage, as in ssh: lower ones come from the VM. */
#define EXIT_EXC_FAILED 255

/* The longest message, and the longest reason that one function passes to another */
#define SAY_SIZE 2048

/* Print "exc: …" and a line break to standard error. Control characters, which may come from the
 * network, are printed as '?'. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Replace what could control a terminal: all control characters of ASCII, and those of Latin-1 in
 * UTF-8. Other text stays as it is. */
void say_harmless(char *text);

#endif
