/* SPDX-License-Identifier: Apache-2.0 */
/* Run another program, with limits on its time and its output. */
#ifndef EXC_BASE_RUN_PROGRAM_H
#define EXC_BASE_RUN_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/* It could not be started; it took too long */
#define RUN_FAILED (-1)
#define RUN_TOO_LONG (-2)

/* A program's output: up to `size` - 1 bytes of it, and a NUL after them. */
struct run_output {
	char *text; /* the caller's, `size` bytes */
	size_t size;
	size_t length;
	bool cut; /* there was more, which was dropped */
};

/* Where its standard error goes: where ours goes, into the output, or nowhere. */
enum run_errors {
	RUN_ERRORS_KEPT,
	RUN_ERRORS_TAKEN,
	RUN_ERRORS_DROPPED
};

/* Run argv[0], an absolute path, with these arguments (NULL-ended), an empty standard input, this
 * process's environment and its own process group, and read its standard output. After `timeout_ms`
 * the group is killed. Returns its exit status, 128 and more for a signal, RUN_FAILED (with errno)
 * or RUN_TOO_LONG. */
int run_for_output(const char *const *argv, struct run_output *output, enum run_errors errors,
		   unsigned int timeout_ms);

/* The same, with both streams in `output`, of `size` bytes, and a time in seconds. */
int run_program(const char *const *argv, char *output, size_t size, unsigned int seconds);

#endif
