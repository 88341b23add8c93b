/* SPDX-License-Identifier: Apache-2.0 */
/* Run another program, with a bound on its time and on what it may say. */
#ifndef EXC_RUN_H
#define EXC_RUN_H

#include <stddef.h>

#define RUN_FAILED (-1) /* it could not be started, or took too long */

/* Run argv[0], an absolute path, with these arguments (NULL-ended), an empty standard input and
 * this process's environment. What it writes to standard output and error goes into `output`, up to
 * `size` - 1 bytes with a NUL after them; the rest is thrown away. After `seconds` it is killed.
 * Returns its exit status, 128 and more for a signal, or RUN_FAILED. */
int run_program(const char *const *argv, char *output, size_t size, unsigned int seconds);

#endif
