/* SPDX-License-Identifier: Apache-2.0 */
/* Print text that came from outside, so that it cannot end a line, control a terminal or pass for
 * text of ours. */
#ifndef EXC_BASE_PRINTABLE_H
#define EXC_BASE_PRINTABLE_H

#include <stdio.h>

/* Print it in printable ASCII: a line feed as \n, a tab as \t, a backslash as \\, and every other
 * byte as \xNN. */
void printable_put(FILE *out, const char *text);

/* The same as one word, for NAME=VALUE: in double quotes, with \" for its own, if it is empty or
 * has a space or a quote. */
void printable_put_word(FILE *out, const char *text);

/* Print a JSON text in ASCII: what is not ASCII as \uNNNN, which means the same, and bytes that are
 * not UTF-8 as \ufffd. */
void printable_put_json(FILE *out, const char *json);

#endif
