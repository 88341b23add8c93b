/* SPDX-License-Identifier: Apache-2.0 */
/* Tell the person at the terminal, in text that cannot steer it. */
#ifndef EXC_SAY_H
#define EXC_SAY_H

#include <stddef.h>

/* Every failure of exc itself, wrong usage among them, as ssh has it: what is less comes from the
 * VM. */
#define EXIT_EXC_FAILED 255

/* The longest thing said at once, and the longest reason that one function hands to another */
#define SAY_SIZE 2048

/* Print "exc: …" and a line break to standard error. Control characters, which may come from the
 * network, are printed as '?'. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Replace what could steer a terminal: all control characters of ASCII, and those of Latin-1 in
 * UTF-8. Other text stays as it is. */
void say_harmless(char *text);

#endif
